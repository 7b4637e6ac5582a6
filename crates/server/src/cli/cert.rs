//! `counterfoil cert tpp`: a certificate of a payment service provider for tests, under the authority
//! of a sandbox.

use counterfoil_jose::certificate::Certificate;
use counterfoil_jose::dpop::thumbprint_text;
use counterfoil_jose::qc_statement::{Kind, Provider, Role};

use super::arguments::{CertKind, CertVerb, PspRole, TppOptions};
use crate::failure::Failure;
use crate::mint::{self, Wanted};

pub(super) fn run(verb: CertVerb) -> Result<(), Failure> {
    match verb {
        CertVerb::Tpp(options) => tpp(options),
    }
}

fn tpp(options: TppOptions) -> Result<(), Failure> {
    // `PSDDE-BAFIN-123456`: country and authority are in the identifier (ETSI TS 119 495 §5.2.1).
    let shape = || {
        let rest = options.id.strip_prefix("PSD")?;
        let (country, rest) = rest.split_at_checked(2)?;
        let (authority, number) = rest.strip_prefix('-')?.split_once('-')?;
        let plain = country.bytes().all(|b| b.is_ascii_uppercase());
        (plain && !authority.is_empty() && !number.is_empty()).then_some((country, authority))
    };
    let Some((country, authority)) = shape() else {
        return Err(Failure::usage(format!(
            "{} is no identifier such as PSDDE-BAFIN-123456",
            options.id
        )));
    };
    let roles = options.roles.iter().map(|role| match role {
        PspRole::As => Role::AccountServicing,
        PspRole::Pi => Role::PaymentInitiation,
        PspRole::Ai => Role::AccountInformation,
        PspRole::Ic => Role::CardIssuing,
    });
    let kind = match options.kind {
        CertKind::Qwac => Kind::Web,
        CertKind::Qseal => Kind::Seal,
    };
    let provider = Provider {
        kind: Some(kind),
        roles: roles.collect(),
        authority: authority.into(),
        authority_id: format!("{country}-{authority}"),
    };
    let wanted = Wanted {
        common_name: options.name.clone(),
        organization: Some(options.name.clone()),
        organization_id: Some(options.id.clone()),
        country: Some(country.into()),
        hosts: options.dns.clone(),
        days: if options.expired { (-30, -1) } else { (-1, options.days) },
        provider: Some(provider),
    };
    let ca_key = options.state.join("keys/ca-key.pem");
    if !ca_key.exists() {
        return Err(Failure::failed(format!(
            "no authority in {}; a sandbox makes one when it starts: counterfoil sandbox",
            options.state.display()
        )));
    }
    let minted = mint::client(&ca_key, &wanted)?;
    let (certificate, key) = mint::write(&options.out, &minted)?;
    let read = Certificate::from_pem(&minted.certificate)
        .map_err(|e| Failure::failed(format!("the certificate is not one: {e}")))?;
    let roles = read.provider().map(|p| p.roles.iter().map(|r| r.as_str()).collect::<Vec<_>>());
    super::out(&format!("subject      {}", read.subject()));
    super::out(&format!("roles        {}", roles.unwrap_or_default().join(" ")));
    super::out(&format!("x5t#S256     {}", thumbprint_text(&read.sha256())));
    super::out(&format!("certificate  {}", certificate.display()));
    super::out(&format!("key          {}", key.display()));
    Ok(())
}
