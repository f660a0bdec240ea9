//! The addresses of this machine with their networks' masks, from /proc (`samehost`, `samenet`).

use super::small_file;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// All addresses. What cannot be read is left out.
pub fn addresses() -> Vec<(IpAddr, IpAddr)> {
    let text = |path| small_file::read(path).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    let mut found = version4(&text("/proc/net/fib_trie"), &text("/proc/net/route"));
    found.extend(version6(&text("/proc/net/if_inet6")));
    found
}

/// `fib_trie` has a line with the address before each line `/32 host LOCAL`; `route` has the networks.
fn version4(trie: &str, routes: &str) -> Vec<(IpAddr, IpAddr)> {
    let mut found: Vec<(IpAddr, IpAddr)> = Vec::new();
    let mut last = None;
    for line in trie.lines() {
        if let Some(address) = line.trim().strip_prefix("|-- ") {
            last = address.parse::<Ipv4Addr>().ok();
        } else if line.contains("/32 host LOCAL")
            && let Some(address) = last
        {
            let pair = (address.into(), mask_for(address, routes).into());
            if !found.contains(&pair) {
                found.push(pair);
            }
        }
    }
    found
}

/// The narrowest directly reached network with this address in it.
fn mask_for(address: Ipv4Addr, routes: &str) -> Ipv4Addr {
    if address.is_loopback() {
        return Ipv4Addr::new(255, 0, 0, 0);
    }
    let number = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::swap_bytes);
    let mut best = u32::MAX;
    let mut known = false;
    for line in routes.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, network, gateway, _, _, _, _, mask, ..] = fields[..] else { continue };
        let (Some(network), Some(0), Some(mask)) = (number(network), number(gateway), number(mask)) else { continue };
        if mask != 0 && address.to_bits() & mask == network && (!known || mask > best) {
            (best, known) = (mask, true);
        }
    }
    Ipv4Addr::from_bits(best)
}

/// Lines `address index prefix scope flags name`, all in hexadecimal.
fn version6(text: &str) -> Vec<(IpAddr, IpAddr)> {
    let line = |line: &str| {
        let mut fields = line.split_whitespace();
        let address = u128::from_str_radix(fields.next()?, 16).ok()?;
        let bits = u32::from_str_radix(fields.nth(1)?, 16).ok().filter(|b| *b <= 128)?;
        let mask = u128::MAX.checked_shl(128 - bits).unwrap_or(0);
        Some((Ipv6Addr::from_bits(address).into(), Ipv6Addr::from_bits(mask).into()))
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses come with the mask of their network.
    #[test]
    fn proc_files_are_read() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 10.1.2.0\n        /24 link UNICAST\n     |-- 10.1.2.7\n        /32 host LOCAL\n";
        let routes = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\neth0\t00000000\t0102010A\t3\t0\t0\t0\t00000000\t0\neth0\t0002010A\t00000000\t1\t0\t0\t0\t00FFFFFF\t0\n";
        let found = version4(trie, routes);
        let expected = [("127.0.0.1", "255.0.0.0"), ("10.1.2.7", "255.255.255.0")];
        assert_eq!(found, expected.map(|(a, m)| (a.parse().unwrap(), m.parse().unwrap())));
        let six = version6("00000000000000000000000000000001 01 80 10 80       lo\n");
        assert_eq!(six[0].0, "::1".parse::<IpAddr>().unwrap());
        assert!(addresses().iter().any(|(a, _)| a.is_loopback()));
    }
}
