//! Texts of a certain form that several types of authorization details have.

use counterfoil_protocol::moment::Moment;

use super::shape::Format;
use crate::limits::RESOURCE_LEN_MAX;
use crate::target;

/// An amount above nothing, in the unit of its currency: digits, a point, at most three decimals.
pub(super) static AMOUNT: Format = Format {
    pattern: "^([1-9][0-9]{0,12}(\\.[0-9]{1,3})?|0\\.(0{0,2}[1-9]|0?[1-9][0-9]|[1-9][0-9]{2}))$",
    format: None,
    len_max: 17,
    holds: is_amount,
};

/// ISO 4217.
pub(super) static CURRENCY: Format = Format {
    pattern: "^[A-Z]{3}$",
    format: None,
    len_max: 3,
    holds: |text| text.len() == 3 && text.bytes().all(|b| b.is_ascii_uppercase()),
};

/// ISO 13616, without spaces.
pub(super) static IBAN: Format = Format {
    pattern: "^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$",
    format: None,
    len_max: 34,
    holds: |text| {
        let upper = |b: u8| b.is_ascii_uppercase();
        matches!(text.as_bytes(), [a, b, c, d, rest @ ..]
            if upper(*a) && upper(*b) && c.is_ascii_digit() && d.is_ascii_digit()
                && (11..=30).contains(&rest.len())
                && rest.iter().all(|b| upper(*b) || b.is_ascii_digit()))
    },
};

/// An account number of one country.
pub(super) static BBAN: Format = Format {
    pattern: "^[A-Z0-9]{1,30}$",
    format: None,
    len_max: 30,
    holds: |text| {
        (1..=30).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    },
};

/// A day of the calendar (RFC 3339).
pub(super) static DATE: Format = Format {
    pattern: "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
    format: Some("date"),
    len_max: 10,
    holds: |text| last_second(text).is_some(),
};

/// The identifier of a resource server.
pub(super) static LOCATION: Format = Format {
    pattern: "^[A-Za-z][A-Za-z0-9+.\\-]*:[!\"$-~]+$",
    format: Some("uri"),
    len_max: RESOURCE_LEN_MAX,
    holds: target::is_identifier,
};

/// The name of an account, as the bank told it.
pub(super) static ACCOUNT: Format = Format {
    pattern: "^[!-~]{1,128}$",
    format: None,
    len_max: 128,
    holds: |text| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()),
};

fn is_amount(text: &str) -> bool {
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(w, d)| (w, Some(d)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && whole.len() <= 13
        && (whole == "0" || !whole.starts_with('0'))
        && decimals.is_none_or(|decimals| digits(decimals) && decimals.len() <= 3)
        && text.bytes().any(|b| matches!(b, b'1'..=b'9'))
}

/// The end of a day, in UTC; `None` for what is no day.
pub(super) fn last_second(date: &str) -> Option<Moment> {
    let shaped = date.len() == 10
        && date.bytes().enumerate().all(|(at, b)| match at {
            4 | 7 => b == b'-',
            _ => b.is_ascii_digit(),
        });
    let part = |from: usize, to: usize| date.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !shaped || !(1..=last).contains(&day) || year < 1970 {
        return None;
    }
    let leaps = |year: u64| year / 4 - year / 100 + year / 400;
    let before: u64 = [31, 28 + u64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30]
        .iter()
        .zip(1..month)
        .map(|(days, _)| days)
        .sum();
    let days = (year - 1970) * 365 + leaps(year - 1) - leaps(1969) + before + day;
    Some(Moment(days * 86_400 - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_end_in_their_last_second() {
        assert_eq!(last_second("1970-01-01"), Some(Moment(86_399)));
        assert_eq!(last_second("2000-02-29"), Some(Moment(951_868_799)));
        assert_eq!(last_second("2027-05-19"), Some(Moment(1_810_771_199)));
        assert_eq!(last_second("2100-02-28"), Some(Moment(4_107_542_399)));
        for bad in ["2027-02-29", "2100-02-29", "2027-13-01", "2027-00-10", "2027-04-31"] {
            assert_eq!(last_second(bad), None, "{bad}");
        }
        for bad in
            ["", "1969-12-31", "2027-1-01", "+027-01-01", "2027-01-0", "2027/01/01", "2027-01-011"]
        {
            assert_eq!(last_second(bad), None, "{bad}");
        }
    }

    #[test]
    fn texts_of_a_form() {
        for (format, good, bad) in [
            (
                &AMOUNT,
                &["123.50", "1", "0.01", "9999999999999.999"][..],
                &[
                    "0",
                    "0.00",
                    "01",
                    "1.",
                    ".5",
                    "1.2345",
                    "-1",
                    "1,5",
                    "1e3",
                    "",
                    "99999999999999",
                ][..],
            ),
            (&CURRENCY, &["EUR", "XAF"], &["eur", "EURO", "EU", "", "E1R"]),
            (
                &IBAN,
                &["DE02100100109307118603", "NO9386011117947"],
                &["DE02 1001", "de02100100109307118603", "DE0", "D102100100109307118603"],
            ),
            (&BBAN, &["12345678", "A"], &["", "a", "1 2"]),
            (&DATE, &["2027-05-20"], &["20.5.2027", "2027-5-20", "2027-02-30"]),
            (&LOCATION, &["https://api.example/a", "urn:a:b"], &["api", "https://a/#b"]),
            (&ACCOUNT, &["ada-current"], &["", "a b", "é"]),
        ] {
            for text in good {
                assert!((format.holds)(text) && text.len() <= format.len_max, "{text}");
            }
            for text in bad {
                assert!(!(format.holds)(text), "{text}");
            }
        }
    }
}
