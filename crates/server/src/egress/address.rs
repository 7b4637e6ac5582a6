//! Which addresses are somebody else's: everything that is not this machine, this network, or set
//! aside (IANA special-purpose registries; attacks.md P11).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A network of IPv4 and the length of its prefix.
type Net4 = ([u8; 4], u32);

/// What a client must not make us call, IPv4.
const INNER_4: [Net4; 16] = [
    ([0, 0, 0, 0], 8),          // this network
    ([10, 0, 0, 0], 8),         // private
    ([100, 64, 0, 0], 10),      // shared by carriers
    ([127, 0, 0, 0], 8),        // this machine
    ([169, 254, 0, 0], 16),     // link-local; the metadata services of clouds
    ([172, 16, 0, 0], 12),      // private
    ([192, 0, 0, 0], 24),       // protocol assignments
    ([192, 0, 2, 0], 24),       // documentation
    ([192, 88, 99, 0], 24),     // relays of 6to4, retired
    ([192, 168, 0, 0], 16),     // private
    ([198, 18, 0, 0], 15),      // benchmarks
    ([198, 51, 100, 0], 24),    // documentation
    ([203, 0, 113, 0], 24),     // documentation
    ([224, 0, 0, 0], 4),        // multicast
    ([240, 0, 0, 0], 4),        // reserved
    ([255, 255, 255, 255], 32), // broadcast
];

/// What is left of IPv6 when everything but global unicast is taken away (RFC 4291 §2.4), and the
/// parts of that which are set aside.
const GLOBAL_6: (u128, u32) = (0x2000 << 112, 3);
const INNER_6: [(u128, u32); 4] = [
    (0x2001 << 112, 23),                   // protocol assignments, Teredo among them
    ((0x2001 << 112) | (0xdb8 << 96), 32), // documentation
    (0x2002 << 112, 16),                   // 6to4: carries an IPv4 address that nobody checked
    (0x3fff << 112, 20),                   // documentation
];
/// IPv4 inside IPv6 by the well-known prefix of translators (RFC 6052 §2.1).
const TRANSLATED: (u128, u32) = ((0x64 << 112) | (0xff9b << 96), 96);

/// Whether `address` is out there.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_4(v4),
        IpAddr::V6(v6) => is_public_6(v6),
    }
}

fn is_public_4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !INNER_4.iter().any(|(net, len)| {
        let net = Ipv4Addr::from(*net).to_bits();
        (bits ^ net).checked_shr(32 - len).unwrap_or_default() == 0
    })
}

fn is_public_6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_4(v4);
    }
    let bits = address.to_bits();
    let within = |(net, len): (u128, u32)| (bits ^ net) >> (128 - len) == 0;
    if within(TRANSLATED) {
        let [.., a, b, c, d] = address.octets();
        return is_public_4(Ipv4Addr::new(a, b, c, d));
    }
    within(GLOBAL_6) && !INNER_6.into_iter().any(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(text: &str) -> bool {
        is_public(text.parse().unwrap())
    }

    #[test]
    fn what_is_out_there_may_be_called() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450:4001::1",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(public(text), "{text}");
        }
    }

    #[test]
    fn what_is_inside_may_not() {
        for text in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!public(text), "{text}");
        }
    }
}
