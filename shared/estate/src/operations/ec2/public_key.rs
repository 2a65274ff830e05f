//! Public keys, as OpenSSH writes them on one line.
//!
//! Sources: OpenSSH, sshd(8), "`AUTHORIZED_KEYS` FILE FORMAT"; RFC 4253, 6.6; RFC 8709, 4; EC2 User
//! Guide, "Prerequisites for EC2 Instance Connect", for the kinds of keys that are taken.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Fewest and most characters. Source: EC2 Instance Connect API Reference, `SendSSHPublicKey`.
const LENGTH: std::ops::RangeInclusive<usize> = 80..=4096;

/// Shortest modulus of RSA that is taken, in bits.
const SHORTEST_RSA: usize = 2048;

/// Why this is no key that can be sent; nothing of it is quoted, for it may be a private one.
pub(super) fn wrong(key: &str) -> Option<&'static str> {
    if key.contains("PRIVATE KEY") {
        return Some("this is a private key: send the public one, and take the private one out of use");
    }
    if key.chars().any(char::is_control) {
        return Some("a public key is one line, without a line break at its end");
    }
    if !LENGTH.contains(&key.chars().count()) {
        return Some("a public key is 80 to 4096 characters");
    }
    let mut parts = key.splitn(3, ' ');
    let (kind, data) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if !matches!(kind, "ssh-ed25519" | "ssh-rsa") {
        return Some("a public key begins with ssh-ed25519 or ssh-rsa, as ssh-keygen writes it");
    }
    let Some(data) = STANDARD.decode(data).ok().filter(|data| !data.is_empty()) else {
        return Some("what follows the kind of the key, after one space, is not its base64");
    };
    let Some((told, rest)) = string(&data) else {
        return Some("the key is cut short");
    };
    if told != kind.as_bytes() {
        return Some("the key is of another kind than it says");
    }
    match (kind, string(rest)) {
        ("ssh-ed25519", Some((point, []))) if point.len() == 32 => None,
        ("ssh-rsa", Some((_exponent, rest))) => match string(rest) {
            Some((modulus, [])) if bits(modulus) < SHORTEST_RSA => Some("an RSA key is at least 2048 bits"),
            Some((_, [])) => None,
            _ => Some("the key is cut short, or has more than a key has"),
        },
        _ => Some("the key is cut short, or has more than a key has"),
    }
}

/// The next string, with the length before it, and what follows. Source: RFC 4251, 5.
fn string(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = data.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// The bits of a positive number, without zeros before it.
fn bits(number: &[u8]) -> usize {
    let zeros: usize = number.iter().take_while(|byte| **byte == 0).count();
    let first = number.get(zeros).map_or(0, |byte| byte.leading_zeros() as usize);
    (number.len() - zeros) * 8 - first
}
