//! From a path to a tenant and what is asked of it. One parser, nothing is decoded after it
//! (attacks.md P36): a path with `//`, `;`, an escape or a slash at the end is no path of ours.

use counterfoil_protocol::ids::TenantId;
use counterfoil_protocol::refusal::Refusal;

/// The tenant at the root of the server.
pub const ROOT_TENANT: &str = "default";

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<'p> {
    /// The tenant.
    pub tenant: TenantId,
    /// By which kind of path.
    pub by: By,
    /// The path below the tenant, with a slash in front.
    pub rest: &'p str,
    /// What stands before it, for links back to the tenant.
    pub base: &'p str,
}

/// By which kind of path a tenant was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By nothing: the root.
    Root,
    /// `/o/{tenant}`.
    Path,
    /// `/auth/realms/{realm}` or `/realms/{realm}`.
    Realm,
}

/// The tenant that a path names.
///
/// # Errors
/// [`Refusal::PathUnknown`] for a path with disguises, [`Refusal::TenantUnknown`] for a name that
/// cannot be one.
pub fn locate(path: &str) -> Result<Located<'_>, Refusal> {
    // The first Magento module of Fintecture joins its base and path with two slashes; only leading
    // ones are forgiven (surfaces.md 2.2).
    let path = match path.strip_prefix("//") {
        Some(rest) => &path[path.len() - rest.trim_start_matches('/').len() - 1..],
        None => path,
    };
    let disguised = path.contains("//") || path.contains([';', '%', '\\']);
    if disguised || !path.starts_with('/') || (path.len() > 1 && path.ends_with('/')) {
        return Err(Refusal::PathUnknown);
    }
    if let Some(inner) = well_known_inserted(path) {
        return inner;
    }
    for (prefix, by) in [("/auth/realms/", By::Realm), ("/realms/", By::Realm), ("/o/", By::Path)] {
        if let Some(after) = path.strip_prefix(prefix) {
            let end = after.find('/').unwrap_or(after.len());
            let tenant = TenantId::parse(&after[..end]).map_err(|_| Refusal::TenantUnknown)?;
            let base = &path[..prefix.len() + end];
            return Ok(Located { tenant, by, rest: &after[end..], base });
        }
    }
    let tenant = TenantId::parse(ROOT_TENANT).map_err(|_| Refusal::Internal)?;
    Ok(Located { tenant, by: By::Root, rest: path, base: "" })
}

/// RFC 8414 §3: the well-known part stands before the issuer's path. Some clients insert the other
/// document in the same way.
fn well_known_inserted(path: &str) -> Option<Result<Located<'_>, Refusal>> {
    const INSERTED: [&str; 2] =
        ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"];
    let (inserted, issuer) = INSERTED.iter().find_map(|inserted| {
        let issuer = path.strip_prefix(inserted).filter(|issuer| !issuer.is_empty())?;
        Some((*inserted, issuer))
    })?;
    let named = issuer.starts_with("/o/") || issuer.contains("/realms/");
    if !named {
        return Some(Err(Refusal::PathUnknown));
    }
    Some(locate(issuer).and_then(|found| match found.rest {
        "" => Ok(Located { rest: inserted, ..found }),
        _ => Err(Refusal::PathUnknown),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<(String, String)> {
        locate(path).ok().map(|l| (l.tenant.to_string(), l.rest.to_string()))
    }

    #[test]
    fn a_path_names_its_tenant() {
        let at = |tenant: &str, rest: &str| Some((tenant.to_string(), rest.to_string()));
        assert_eq!(found("/oauth/accesstoken"), at("default", "/oauth/accesstoken"));
        assert_eq!(found("//oauth/accesstoken"), at("default", "/oauth/accesstoken"));
        assert_eq!(found("/o/acme/jwks"), at("acme", "/jwks"));
        let token = "/protocol/openid-connect/token";
        assert_eq!(found(&format!("/auth/realms/r1{token}")), at("r1", token));
        assert_eq!(found(&format!("/realms/r1{token}")), at("r1", token));
        let inserted = "/.well-known/oauth-authorization-server";
        assert_eq!(found(&format!("{inserted}/o/acme")), at("acme", inserted));
        assert_eq!(found(inserted), at("default", inserted));
        let other = "/.well-known/openid-configuration";
        assert_eq!(found(&format!("{other}/o/acme")), at("acme", other));
    }

    #[test]
    fn a_disguised_path_is_none_of_ours() {
        for path in [
            "/oauth//accesstoken",
            "/oauth/accesstoken/",
            "/oauth/%61ccesstoken",
            "/oauth/accesstoken;x=1",
            "/oauth\\accesstoken",
            "/auth/realms/a%2fb/x",
            "oauth",
            "/.well-known/oauth-authorization-server/elsewhere",
        ] {
            assert!(found(path).is_none(), "{path}");
        }
    }
}
