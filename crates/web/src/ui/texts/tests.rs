//! The files, the choice of a language, and what is written out.

use super::*;

const RIGHT_TO_LEFT: Language =
    Language {
        tag: "ar", name: "العربية", dir: "rtl", source: "login-title = تسجيل الدخول"
    };

#[test]
fn every_file_is_free_of_mistakes() {
    for language in std::iter::once(&ENGLISH).chain(OTHERS) {
        let resource = FluentResource::try_new(language.source.to_owned());
        assert!(resource.is_ok(), "{}: {:?}", language.tag, resource.err().map(|(_, e)| e));
        let parsed: Result<FluentBundle<FluentResource>, _> =
            language.tag.parse().map(|tag| FluentBundle::new_concurrent(vec![tag]));
        assert!(parsed.is_ok(), "{}: not a language tag", language.tag);
    }
}

#[test]
fn a_language_says_nothing_that_english_does_not_say() {
    let ids = |source: &str| {
        let lines =
            source.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
        lines.filter_map(|line| line.split(" =").next().map(str::to_owned)).collect::<Vec<_>>()
    };
    for language in OTHERS {
        for id in ids(language.source) {
            assert!(library().english.find(&id, None).is_some(), "{}: {id}", language.tag);
        }
    }
}

#[test]
fn what_a_language_lacks_is_said_in_english() {
    let texts = Texts::parse(RIGHT_TO_LEFT);
    assert_eq!(texts.text("login-title", None), "تسجيل الدخول");
    assert_eq!(texts.text("login-submit", None), "Sign in");
    assert_eq!(texts.text("error-internal.then", None), ENGLISH_THEN);
    assert_eq!(texts.text("no-such-text", None), "no-such-text");
    assert_eq!(texts.text("login-title.no-such-attribute", None), "login-title.no-such-attribute");
}

const ENGLISH_THEN: &str = "Go back to the app and try again. If it happens again, contact the bank with the reference below.";

#[test]
fn the_first_language_we_speak_is_taken() {
    for candidates in [&["en"][..], &["EN-gb"], &["se", "en_US"], &["se"], &[], &["", "-", "*"]] {
        assert_eq!(Texts::for_locale(candidates).language().tag, "en", "{candidates:?}");
    }
}

#[test]
fn a_long_list_and_a_long_tag_are_not_looked_at() {
    let many = vec!["xx"; 1_000_000];
    assert_eq!(Texts::for_locale(&many).language().tag, "en");
    let long = "en-".repeat(100_000);
    assert_eq!(Texts::for_locale(&[&long]).language().tag, "en");
    assert_eq!(candidates(Some(&"xx ".repeat(100_000)), Some(&"en,".repeat(100_000))).len(), 16);
}

#[test]
fn wanted_languages_come_in_their_order() {
    let wanted = |ui, accept| candidates(ui, accept).join(" ");
    assert_eq!(wanted(None, None), "");
    assert_eq!(wanted(Some("fr-CA fr en"), None), "fr-CA fr en");
    assert_eq!(wanted(Some("fr"), Some("de;q=0.5, en")), "fr en de");
    assert_eq!(wanted(None, Some("da, en-gb;q=0.8, en;q=0.7, *;q=0.1")), "da en-gb en");
    assert_eq!(wanted(None, Some("a;q=0.3,b;q=0.9,c;q=0,d;q=1.0,e ; q=0.9")), "d b e a");
    assert_eq!(wanted(None, Some("a;q=2,b;q=-1,c;q=,d;q=0.1234,,;q=1,e;q=0.x")), "");
}

#[test]
fn dates_are_written_out() {
    let date = |epoch_s| Texts::for_locale(&["en"]).date(epoch_s);
    assert_eq!(date(0), "1 January 1970");
    assert_eq!(date(1_810_771_199), "19 May 2027");
    assert_eq!(date(1_810_771_200), "20 May 2027");
    assert_eq!(date(951_782_400), "29 February 2000");
    assert_eq!(date(951_868_800), "1 March 2000");
    assert_eq!(date(4_107_542_399), "28 February 2100");
    assert_eq!(date(4_107_542_400), "1 March 2100");
    assert_eq!(date(253_402_300_799), "31 December 9999");
    assert_eq!(date(u64::MAX), "31 December 9999");
}

#[test]
fn every_day_of_four_centuries_follows_the_one_before() {
    let texts = Texts::for_locale(&["en"]);
    let months: Vec<String> = (1..=12).map(|m| texts.text(&format!("month-{m}"), None)).collect();
    let (mut year, mut month, mut day) = (1970, 0, 1);
    for number in 0..146_097 {
        assert_eq!(texts.date(number * 86_400), format!("{day} {} {year}", months[month]));
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month + 1 {
            2 => 28 + u64::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > last {
            (day, month) = (1, (month + 1) % 12);
            year += u64::from(month == 0);
        }
    }
}

#[test]
fn waits_are_seconds_then_minutes() {
    let wait = |seconds| Texts::for_locale(&["en"]).wait(seconds);
    assert_eq!(wait(0), "1 second");
    assert_eq!(wait(1), "1 second");
    assert_eq!(wait(60), "60 seconds");
    assert_eq!(wait(120), "2 minutes");
    assert_eq!(wait(121), "3 minutes");
}

#[test]
fn amounts_have_their_symbol_and_their_decimals() {
    let money = |minor, currency| Texts::for_locale(&["en"]).money(minor, currency);
    assert_eq!(money(120_410, "EUR"), "€1,204.10");
    assert_eq!(money(0, "EUR"), "€0.00");
    assert_eq!(money(5, "GBP"), "£0.05");
    assert_eq!(money(-35_000, "USD"), "−$350.00");
    assert_eq!(money(100_000_000, "EUR"), "€1,000,000.00");
    assert_eq!(money(1_234_567, "SEK"), "12,345.67\u{a0}SEK");
    assert_eq!(money(1_234_567, "JPY"), "1,234,567\u{a0}JPY");
    assert_eq!(money(1_234_567, "KWD"), "1,234.567\u{a0}KWD");
    assert_eq!(money(i64::MIN, "EUR"), "−€92,233,720,368,547,758.08");
    assert_eq!(money(1, ".then"), "0.01\u{a0}.then");
    let amount = |digits, currency| Texts::for_locale(&["en"]).amount(digits, currency);
    assert_eq!(amount("1234567.5", "EUR"), "€1,234,567.5", "not a digit more");
    assert_eq!(amount("123", "JPY"), "123\u{a0}JPY");
    assert_eq!(amount("0.005", "KWD"), "0.005\u{a0}KWD");
}
