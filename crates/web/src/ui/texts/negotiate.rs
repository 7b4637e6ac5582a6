//! Which languages somebody wants: `ui_locales` (OpenID Connect Core §3.1.2.1) before
//! `Accept-Language` (RFC 9110 §12.5.4).

use super::CANDIDATES_MAX;

/// The wanted languages, best first, at most as many as [`super::Texts::for_locale`] looks at.
#[must_use]
pub fn candidates<'a>(
    ui_locales: Option<&'a str>,
    accept_language: Option<&'a str>,
) -> Vec<&'a str> {
    let asked = ui_locales.unwrap_or_default().split_ascii_whitespace().take(CANDIDATES_MAX);
    let mut accepted: Vec<(&str, u16)> = accept_language
        .unwrap_or_default()
        .split(',')
        .take(CANDIDATES_MAX)
        .filter_map(range)
        .collect();
    accepted.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight)); // stable: ties keep their order
    asked.chain(accepted.into_iter().map(|(tag, _)| tag)).take(CANDIDATES_MAX).collect()
}

/// One range and its weight in thousandths; `None` for what is refused, empty or `*`.
fn range(entry: &str) -> Option<(&str, u16)> {
    let mut parts = entry.split(';').map(str::trim);
    let tag = parts.next().filter(|tag| !tag.is_empty() && *tag != "*")?;
    let weight = match parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q="))) {
        Some(weight) => thousandths(weight)?,
        None => 1000,
    };
    (weight > 0).then_some((tag, weight))
}

fn thousandths(weight: &str) -> Option<u16> {
    let (whole, fraction) = weight.split_once('.').unwrap_or((weight, ""));
    let digits = fraction.len() <= 3 && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let fraction: u16 = format!("{fraction:0<3}").parse().ok().filter(|_| digits)?;
    match whole {
        "0" => Some(fraction),
        "1" => (fraction == 0).then_some(1000),
        _ => None,
    }
}
