//! Dates, spans and amounts in the words and order of a language.

use fluent_bundle::{FluentArgs, FluentValue};

use super::Texts;

const DAY_S: u64 = 86_400;
/// 31 December 9999: what lies beyond is no date that somebody plans with.
const LAST_DAY: u64 = 2_932_896;

impl Texts {
    /// The day of a moment in UTC, such as "20 May 2027"; a moment beyond the year 9999 is its
    /// last day.
    #[must_use]
    pub fn date(&self, epoch_s: u64) -> String {
        let (year, month, day) = civil(epoch_s / DAY_S);
        let month = self.text(&format!("month-{month}"), None);
        let mut args = FluentArgs::new();
        args.set("day", day.to_string());
        args.set("month", month);
        args.set("year", year.to_string()); // as text: a number would get a thousands mark
        self.text("date", Some(&args))
    }

    /// How long to wait: seconds below two minutes, then whole minutes, rounded up.
    #[must_use]
    pub fn wait(&self, seconds: u64) -> String {
        if seconds < 120 {
            self.count("wait-seconds", seconds.max(1))
        } else {
            self.count("wait-minutes", seconds.div_ceil(60))
        }
    }

    /// An amount in the smallest unit of its currency (ISO 4217), such as "€1,204.10".
    #[must_use]
    pub fn money(&self, minor: i64, currency: &str) -> String {
        let digits = minor.unsigned_abs().to_string();
        let decimals = decimals(currency);
        let digits = format!("{digits:0>width$}", width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        let amount = self.written(whole, fraction, currency);
        if minor >= 0 {
            return amount;
        }
        let mut args = FluentArgs::new();
        args.set("amount", FluentValue::from(amount));
        self.text("amount-negative", Some(&args))
    }

    /// An amount as somebody wrote it, digits with a point: not a digit more or less is shown.
    #[must_use]
    pub fn amount(&self, digits: &str, currency: &str) -> String {
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        self.written(whole, fraction, currency)
    }

    fn written(&self, whole: &str, fraction: &str, currency: &str) -> String {
        let mut amount = self.grouped(whole);
        if !fraction.is_empty() {
            amount.push_str(&self.text("amount-point", None));
            amount.push_str(fraction);
        }
        let mut args = FluentArgs::new();
        args.set("amount", amount);
        let symbol = format!("currency-{currency}");
        let known = currency.len() == 3 && self.has(&symbol);
        if known {
            args.set("symbol", self.text(&symbol, None));
            self.text("amount-with-symbol", Some(&args))
        } else {
            args.set("currency", currency.to_owned());
            self.text("amount-with-code", Some(&args))
        }
    }

    fn grouped(&self, whole: &str) -> String {
        let mark = self.text("amount-group", None);
        let mut grouped = String::with_capacity(whole.len() * 2);
        let length = whole.chars().count();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (length - at).is_multiple_of(3) {
                grouped.push_str(&mark);
            }
            grouped.push(digit);
        }
        grouped
    }
}

/// Digits behind the point (ISO 4217, its list of currencies without two).
fn decimals(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// Year, month and day of a day since 1 January 1970, in the Gregorian calendar. The year is
/// counted from March, so that the leap day is its last day: then the months before any date have
/// lengths that one fraction, 153 days in five months, gives exactly.
fn civil(day: u64) -> (u64, u64, u64) {
    let day = day.min(LAST_DAY) + 719_468; // since 1 March of the year 0
    let (era, of_era) = (day / 146_097, day % 146_097); // 400 years
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153; // 0 is March
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let january_or_february = u64::from(month >= 10);
    (era * 400 + year + january_or_february, (month + 2) % 12 + 1, of_month)
}
