//! The pages of `docs/errors/`, inside the binary: `counterfoil explain` works offline.

macro_rules! pages {
    ($($code:literal),* $(,)?) => {
        &[$(($code, include_str!(concat!("../../../docs/errors/", $code, ".md")))),*]
    };
}

static PAGES: &[(&str, &str)] = pages![
    "E1001", "E1002", "E1003", "E1004", "E1005", "E1010", "E1011", "E1012", "E1013", "E1014",
    "E1015", "E1016", "E1017", "E1018", "E1019", "E1042", "E1101", "E1102", "E1103", "E1104",
    "E1105", "E1106", "E1107", "E1201", "E1202", "E1203", "E1204", "E1205", "E1206", "E1207",
    "E1208", "E1209", "E1210", "E1211", "E1212", "E1213", "E1214", "E1215", "E1216", "E1217",
    "E1218", "E1219", "E1220", "E1301", "E1302", "E1303", "E1304", "E1305", "E1306", "E1307",
    "E1308", "E1401", "E1402", "E1403", "E1404", "E1405", "E1406", "E1407", "E1408", "E1409",
    "E1410", "E1411", "E1412", "E1413", "E1414", "E1415", "E1416", "E1421", "E1422", "E1423",
    "E1424", "E1425", "E2001", "E2002", "E2011", "E2012", "E2013", "E2014", "E2015", "E2016",
    "E2017", "E2018", "E2019", "E2020", "E2021", "E2030", "E2031", "E3001", "E3002", "E3003",
    "E3004", "E3005", "E3006", "E3007", "E3010", "E3011", "E3012", "E3020", "E3021", "E3030",
    "E3040", "E3050", "E3051", "E3070", "E3071", "E3072", "E3073", "E3074", "E3075", "E3076",
    "E3080", "E3081", "E3082", "E3101", "E3102", "E3103", "E3104", "E3105", "E3106", "E3107",
    "E3108", "E3109", "E3110", "E3111", "E3112", "E3113", "E3114", "E3115", "E4001", "E4002",
    "E4003", "E4004", "E4005", "E5001", "E5002", "E5003", "E5004", "E5005", "E5006", "E6001",
    "E6002", "E6003", "E6004", "E6005", "E6006", "E6007", "E6008", "E6010", "E6011",
];

/// The page of a code such as `E2031`.
#[must_use]
pub fn page(code: &str) -> Option<&'static str> {
    PAGES.iter().find(|(known, _)| *known == code).map(|(_, page)| *page)
}

#[cfg(test)]
mod tests {
    use counterfoil_protocol::refusal_code::ALL;

    use super::*;

    #[test]
    fn every_refusal_has_a_page_that_bears_its_title() {
        for refusal in ALL {
            let stable = refusal.stable();
            let page = page(stable.code).unwrap_or_default();
            let title = format!("# {} {}", stable.code, stable.title);
            assert!(page.starts_with(&title), "{title}: {page}");
        }
    }
}
