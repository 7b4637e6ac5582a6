//! Resource indicators (RFC 8707): which resource servers a token is for. They only ever narrow.

use counterfoil_protocol::form::Form;
use counterfoil_protocol::refusal::{AuthorizeFault, Refusal};

use crate::keys::Issuer;
use crate::limits::{RESOURCE_LEN_MAX, RESOURCES_MAX};

const INVALID: Refusal = Refusal::Authorize(AuthorizeFault::TargetInvalid);

/// Whether this can be the identifier of a resource server: an absolute URI without a fragment (§2).
#[must_use]
pub fn is_identifier(raw: &str) -> bool {
    let absolute = raw.split_once(':').is_some_and(|(scheme, rest)| {
        scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && !rest.is_empty()
    });
    absolute
        && raw.len() <= RESOURCE_LEN_MAX
        && raw.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'#')
}

/// The resource servers of a request, each once. All of them are known here: those that the tenant
/// names, and what lives at its own address.
///
/// # Errors
/// [`AuthorizeFault::TargetInvalid`] for any other.
pub(crate) fn read(form: &Form<'_>, issuer: &Issuer) -> Result<Vec<Box<str>>, Refusal> {
    let mut asked: Vec<Box<str>> = vec![];
    for (_, value) in form.iter().filter(|(name, value)| *name == "resource" && !value.is_empty()) {
        if !is_identifier(value) || !is_known(value, issuer) || asked.len() == RESOURCES_MAX {
            return Err(INVALID);
        }
        if !asked.iter().any(|known| **known == *value) {
            asked.push(value.into());
        }
    }
    Ok(asked)
}

/// Whether the tenant has a resource server of this identifier.
pub(crate) fn is_known(resource: &str, issuer: &Issuer) -> bool {
    let own = resource.strip_prefix(&*issuer.url);
    own.is_some_and(|path| path.is_empty() || path.starts_with('/'))
        || issuer.tenant.resources.iter().any(|known| **known == *resource)
}

/// The resource servers of a grant that are still known. One that the bank has taken out is not named
/// again (attacks.md M013).
///
/// # Errors
/// [`AuthorizeFault::TargetInvalid`] when the grant named some and none is left.
pub(crate) fn standing(granted: &[Box<str>], issuer: &Issuer) -> Result<Vec<Box<str>>, Refusal> {
    let left: Vec<Box<str>> =
        granted.iter().filter(|resource| is_known(resource, issuer)).cloned().collect();
    if left.is_empty() && !granted.is_empty() { Err(INVALID) } else { Ok(left) }
}

/// What is left of `granted` for a request that wants `asked` and no more (§2.2). Nothing asked is all
/// of it; a grant without a list is for every resource server of the tenant.
///
/// # Errors
/// [`AuthorizeFault::TargetInvalid`] when that would be more.
pub(crate) fn narrowed(granted: &[Box<str>], asked: &[Box<str>]) -> Result<Vec<Box<str>>, Refusal> {
    if granted.is_empty() || asked.is_empty() {
        let either = if asked.is_empty() { granted } else { asked };
        return Ok(either.to_vec());
    }
    if !asked.iter().all(|resource| granted.contains(resource)) {
        return Err(INVALID);
    }
    Ok(granted.iter().filter(|resource| asked.contains(resource)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_resource_is_an_absolute_uri_without_a_fragment() {
        for good in ["https://api.example/a?b=c", "urn:example:bank", "https://api.example", "a:b"]
        {
            assert!(is_identifier(good), "{good}");
        }
        let long = format!("a:{}", "b".repeat(RESOURCE_LEN_MAX));
        for bad in ["api", "/api", "https://a/#", "1a:b", "https://a b", "a:", "é:b", "", &long] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }

    fn some() -> impl Strategy<Value = Vec<Box<str>>> {
        proptest::collection::btree_set("[a-d]", 0..4)
            .prop_map(|set| set.into_iter().map(|name| format!("a:{name}").into()).collect())
    }

    proptest! {
        #[test]
        fn a_target_only_narrows(granted in some(), asked in some(), again in some()) {
            let within = |less: &[Box<str>], more: &[Box<str>]| {
                more.is_empty() || (!less.is_empty() && less.iter().all(|one| more.contains(one)))
            };
            if let Ok(first) = narrowed(&granted, &asked) {
                prop_assert!(within(&first, &granted) && within(&first, &asked));
                // What was asked for once more is never more than there was.
                if let Ok(second) = narrowed(&first, &again) {
                    prop_assert!(within(&second, &granted));
                }
            } else {
                prop_assert!(!within(&asked, &granted));
            }
            prop_assert_eq!(narrowed(&granted, &[]).unwrap(), granted.clone());
            prop_assert_eq!(narrowed(&granted, &granted).unwrap(), granted);
        }
    }
}
