//! The public keys with which tokens are checked, from PEM, and as JSON Web Keys.

use anyhow::{Result, bail};
use azure_workload_identity_policy::messages::Excerpt;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pem::Pem;
use pkcs1::RsaPublicKey;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use spki::der::asn1::{AnyRef, BitStringRef};
use spki::der::{Decode, Encode};
use spki::{AlgorithmIdentifierRef, ObjectIdentifier, SubjectPublicKeyInfoRef};
use x509_cert::Certificate;

/// What begins each block of PEM, before its label.
const BEGIN: &str = "-----BEGIN ";

/// The algorithm of RSA keys.
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// The algorithm of keys on elliptic curves.
const ELLIPTIC_CURVE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// The shortest modulus, in bits.
const SHORTEST_MODULUS: usize = 2048;

/// The algorithm that Entra ID supports.
pub const SUPPORTED: &str = "RS256";

/// A curve on which Kubernetes signs.
struct Curve {
    id: ObjectIdentifier,
    name: &'static str,
    algorithm: &'static str,
    /// The length of a coordinate, in bytes.
    length: usize,
}

const CURVES: [Curve; 3] = [
    Curve {
        id: ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        name: "P-256",
        algorithm: "ES256",
        length: 32,
    },
    Curve {
        id: ObjectIdentifier::new_unwrap("1.3.132.0.34"),
        name: "P-384",
        algorithm: "ES384",
        length: 48,
    },
    Curve {
        id: ObjectIdentifier::new_unwrap("1.3.132.0.35"),
        name: "P-521",
        algorithm: "ES512",
        length: 66,
    },
];

/// Names of what people may have instead: other algorithms and other curves.
const OTHERS: [(&str, &str); 17] = [
    ("1.2.840.113549.1.1.10", "RSASSA-PSS"),
    ("1.2.840.113549.1.3.1", "Diffie-Hellman"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("1.3.101.112", "Ed25519"),
    ("1.3.101.113", "Ed448"),
    ("2.16.840.1.101.3.4.3.17", "ML-DSA-44"),
    ("2.16.840.1.101.3.4.3.18", "ML-DSA-65"),
    ("2.16.840.1.101.3.4.3.19", "ML-DSA-87"),
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.3.132.0.33", "P-224"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"),
    ("1.2.156.10197.1.301", "SM2"),
];

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The file that it is in.
    pub file: String,
    /// How tokens name it: the hash of its SubjectPublicKeyInfo, as Kubernetes computes it.
    pub id: String,
    /// The algorithm of its signatures, as JSON Web Algorithms call it.
    pub algorithm: &'static str,
    material: Material,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    Curve {
        name: &'static str,
        x: Vec<u8>,
        y: Vec<u8>,
    },
}

impl Key {
    /// The key as it stands in a key set.
    pub fn as_json(&self) -> Value {
        let (id, algorithm) = (&self.id, self.algorithm);
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.material {
            Material::Rsa { modulus, exponent } => json!({
                "use": "sig", "kty": "RSA", "kid": id, "alg": algorithm,
                "n": text(modulus), "e": text(exponent),
            }),
            Material::Curve { name, x, y } => json!({
                "use": "sig", "kty": "EC", "kid": id, "crv": name, "alg": algorithm,
                "x": text(x), "y": text(y),
            }),
        }
    }
}

/// The keys in the PEM `text` of `file`: public keys and those of certificates, in their order.
///
/// # Errors
///
/// Private keys, keys that Kubernetes or Entra ID cannot use, and what is not PEM.
pub fn in_file(file: &str, text: &str) -> Result<Vec<Key>> {
    let labels: Vec<_> = text.split(BEGIN).skip(1).map(label).collect();
    // First of all, and by the label alone: what is damaged may be private all the same.
    if let Some(private) = labels.iter().find(|label| label.contains("PRIVATE KEY")) {
        bail!(
            "{file}: expected public keys, found a private key, {}, which only the API server needs; help: write its public key \
             with openssl pkey -in {file} -pubout -out FILE",
            Excerpt::new(private)
        );
    }
    let blocks = pem::parse_many(text)
        .map_err(|error| anyhow::anyhow!("{file}: expected PEM, found an error in it: {error}"))?;
    if blocks.is_empty() && labels.is_empty() {
        let found = found_instead(text);
        bail!(
            "{file}: expected public keys in PEM, from BEGIN PUBLIC KEY to END PUBLIC KEY{found}"
        );
    }
    if blocks.len() != labels.len() {
        bail!(
            "{file}: expected {} blocks of PEM, as there are lines with BEGIN, found {} that are whole; help: see whether each has a \
             line with END and the same words",
            labels.len(),
            blocks.len()
        );
    }
    let mut keys = Vec::new();
    for (index, block) in blocks.iter().enumerate() {
        // Written by openssl before a key on a curve, and ignored by Kubernetes too.
        if block.tag() == "EC PARAMETERS" {
            continue;
        }
        let place = match blocks.len() {
            1 => file.to_owned(),
            _ => format!("{file}, key {}", index.saturating_add(1)),
        };
        keys.push(key(file, &place, block)?);
    }
    if keys.is_empty() {
        bail!("{file}: expected public keys, found EC PARAMETERS alone");
    }
    Ok(keys)
}

/// The label that a block's first line goes on with.
fn label(rest: &str) -> &str {
    let line = rest.lines().next().unwrap_or_default();
    line.split("-----").next().unwrap_or_default()
}

/// What a file without PEM is, if that can be told, and what to do.
fn found_instead(text: &str) -> &'static str {
    let text = text.trim_start();
    if text.is_empty() {
        ", found nothing"
    } else if text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-") {
        ", found a key of OpenSSH; help: ssh-keygen -e -m PKCS8 -f FILE"
    } else if text.starts_with('{') {
        ", found JSON"
    } else {
        ", found none; help: for a key in DER, openssl pkey -pubin -inform DER -in FILE"
    }
}

fn key(file: &str, place: &str, block: &Pem) -> Result<Key> {
    let der = block.contents();
    let damaged = |error: spki::der::Error| {
        anyhow::anyhow!(
            "{place}: expected a {}, found other bytes: {error}",
            block.tag()
        )
    };
    match block.tag() {
        "PUBLIC KEY" => {
            let info = SubjectPublicKeyInfoRef::from_der(der).map_err(damaged)?;
            of_info(file, place, &info)
        }
        "RSA PUBLIC KEY" => rsa(file, place, RsaPublicKey::from_der(der).map_err(damaged)?),
        "CERTIFICATE" => {
            let certificate = Certificate::from_der(der).map_err(damaged)?;
            let info = certificate.tbs_certificate.subject_public_key_info;
            let info = info.to_der().map_err(damaged)?;
            let info = SubjectPublicKeyInfoRef::from_der(&info).map_err(damaged)?;
            of_info(file, place, &info)
        }
        other => bail!(
            "{place}: expected PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE, found {}",
            Excerpt::new(other)
        ),
    }
}

fn of_info(file: &str, place: &str, info: &SubjectPublicKeyInfoRef<'_>) -> Result<Key> {
    let bytes = info.subject_public_key.as_bytes().unwrap_or_default();
    match info.algorithm.oid {
        RSA => match RsaPublicKey::from_der(bytes) {
            Ok(key) => rsa(file, place, key),
            Err(error) => bail!("{place}: expected an RSA key, found other bytes: {error}"),
        },
        ELLIPTIC_CURVE => on_curve(file, place, info, bytes),
        other => bail!(
            "{place}: expected a key of RSA, or one on the curve P-256, P-384 or P-521, found one of {}",
            name_of(other)
        ),
    }
}

fn rsa(file: &str, place: &str, key: RsaPublicKey<'_>) -> Result<Key> {
    let modulus = key.modulus.as_bytes();
    let leading = modulus.first().map_or(0, |first| first.leading_zeros());
    let leading = usize::try_from(leading).unwrap_or_default();
    let bits = modulus.len().saturating_mul(8).saturating_sub(leading);
    if bits < SHORTEST_MODULUS {
        bail!(
            "{place}: expected an RSA key of {SHORTEST_MODULUS} bits or more, found {bits} bits; help: make a new key with openssl \
             genrsa 2048, and let the API server sign with it"
        );
    }
    let bytes = key.to_der()?;
    let info = SubjectPublicKeyInfoRef {
        algorithm: AlgorithmIdentifierRef {
            oid: RSA,
            parameters: Some(AnyRef::NULL),
        },
        subject_public_key: BitStringRef::from_bytes(&bytes)?,
    };
    Ok(Key {
        file: file.to_owned(),
        id: id(&info)?,
        algorithm: SUPPORTED,
        material: Material::Rsa {
            modulus: modulus.to_owned(),
            exponent: key.public_exponent.as_bytes().to_owned(),
        },
    })
}

fn on_curve(
    file: &str,
    place: &str,
    info: &SubjectPublicKeyInfoRef<'_>,
    bytes: &[u8],
) -> Result<Key> {
    const EXPECTED: &str = "expected a key on the curve P-256, P-384 or P-521";
    let Ok(id_of_curve) = info.algorithm.parameters_oid() else {
        bail!(
            "{place}: {EXPECTED}, found one with parameters of its own; help: openssl ec -pubin -in FILE -param_enc named_curve"
        );
    };
    let Some(curve) = CURVES.iter().find(|curve| curve.id == id_of_curve) else {
        bail!("{place}: {EXPECTED}, found {}", name_of(id_of_curve));
    };
    let coordinates = bytes.split_first().and_then(|(form, rest)| {
        let is_whole = *form == 4 && rest.len() == curve.length.saturating_mul(2);
        is_whole.then(|| rest.split_at_checked(curve.length))?
    });
    let Some((x, y)) = coordinates else {
        bail!(
            "{place}: expected both coordinates of a point on {}, found a compressed point or other bytes; help: openssl ec -pubin \
             -in FILE -conv_form uncompressed",
            curve.name
        );
    };
    Ok(Key {
        file: file.to_owned(),
        id: id(info)?,
        algorithm: curve.algorithm,
        material: Material::Curve {
            name: curve.name,
            x: x.to_owned(),
            y: y.to_owned(),
        },
    })
}

fn id(info: &SubjectPublicKeyInfoRef<'_>) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(Sha256::digest(info.to_der()?)))
}

fn name_of(id: ObjectIdentifier) -> String {
    let id = id.to_string();
    let known = OTHERS.iter().find(|(other, _)| *other == id);
    known.map_or_else(
        || format!("the unknown algorithm or curve {id}"),
        |(_, name)| (*name).to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file `name` of `test_data/issuer`.
    fn text(name: &str) -> String {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../test_data/issuer");
        std::fs::read_to_string(format!("{directory}/{name}")).unwrap()
    }

    fn rsa_key(id: &str, modulus: &str) -> Value {
        json!({"use": "sig", "kty": "RSA", "kid": id, "alg": "RS256", "n": modulus, "e": "AQAB"})
    }

    fn curve_key(id: &str, curve: &str, algorithm: &str, x: &str, y: &str) -> Value {
        json!({
            "use": "sig", "kty": "EC", "kid": id, "crv": curve, "alg": algorithm, "x": x, "y": y,
        })
    }

    /// What jwcrypto makes of the same files, and the hash that Python makes of their keys.
    #[test]
    fn keys_are_what_another_library_makes_of_them() {
        let sa = rsa_key(
            "MrHPv4siuOhMICD1vtCuvJ8dB75Z8rabv-xWoDTlv40",
            "mMPF6G0e9hdqslaNNm_4lnXYR0hEM_2P1mszIoVnFljkur5NrQu32jfgrJmNhk4ufr9FY_x-11b0zEoGRIGBUv1PDEU1mXfpx-tDZizqvzyrjEhOXISCRiG42XAm8ZZvS5xhB5tZt7Nq-kD7euSzO7QN89-4Bbsinf2GyxwkORe0LAzv4m6WmO_eOqL1sBg9o2ETn3M4888CJ8gK8CKZ2ZXhpSJFR1icVqWjk-itbPKgi6agwFRDHD3rHFMQdr_U_crVZF2P4a8UlA0GvdCPA7OdD8GO9nWvjpgEehQ9pP76YzhzWdZS6sUywhc27W4fAPB89O_5vOzdUUnIHiVIZQ",
        );
        let next = rsa_key(
            "KVbdMvUMyVVbkGFu1ONNiMlZT8-GAJ6tUCMvkZyPgOI",
            "s2aDkx9ixa7ll8jHU-lfKjPE7q1cm1nOQg8bNowdaq3z0XDwlhnOhihVGLxggIDX68YeXwkxhk5ZxbqzDudoyyaQ549vCqguJRtddOfer9QgMJAEs8qpjSJCB-a1_yrwjktRnjy3MJIgPOPnYKDi_RvDDyiKucLnonPT2fg90g02NmpQERvvwKOeP2W27YTnFv9Nj6WVf2BVAvmDA_T3fPfkLBRoUNFTJ3_1c1issANT2mZqYS1_ou8g7AJr1C24NYv2b7gbFlRrw_aW2FAWilEbdD9BD1ANsfduxLddWKOqeRKxzR8DmNVvIQomr_rzvjRS221oT_DIk9Uh2ANKfQ",
        );
        let p256 = curve_key(
            "Lm8wQ1GmhNXi8khGto-ghXJdGgUIvNNGP7yALDbQO-c",
            "P-256",
            "ES256",
            "cS_OdDET-GwR4wSNX_dkK0AG30N8vhaidP7B3mTxtX4",
            "0YEuR5pCKQKfnVLQoeceQzEjmZRTrxSDTtfb_3NN2pk",
        );
        let p384 = curve_key(
            "bLqlzHAkKbI_eTmVqxdXp2f72QnlZ5HK1d3bH_bRTOo",
            "P-384",
            "ES384",
            "an2q4Kf5asdNO2L8kZECeb02Biu_fiq_lvkWiFOBsj3YsG4UO2JHC9hPdRAzt6Pm",
            "AWq2TfnxXjn_J8OGodAHb6oe7eUS-E-szUdlxEyOzod1NtrBEj3JJrDvyz0JC5Bg",
        );
        let p521 = curve_key(
            "KZi--LgKViwWKjnurd9Ed4LDl3WnCWlsUTsbVZM2peY",
            "P-521",
            "ES512",
            "AOHZ9Xt-1aW8iJh1DN_KIALzseN9_4gVZRnO_o3_7leFyIZ3-BKKleeKryFSHX0_stR5lyPMNS6aAqfMbRkgYJHE",
            "ADLmCDMlmgWCIkwUrFeqDUls4WUVIYGjnl0aNjP-Xv2w3Bg2F5vKVlmPxkb1Rhe6hys9I4jSZGg5S39q8hWKL0I6",
        );
        for (name, expected) in [
            ("sa.pub", vec![&sa]),
            ("sa.crt", vec![&sa]),
            ("sa-next.pub", vec![&next]),
            ("sa-next.pkcs1.pub", vec![&next]),
            ("both.pub", vec![&sa, &next]),
            ("p256.pub", vec![&p256]),
            ("p384.pub", vec![&p384]),
            ("p521.pub", vec![&p521]),
        ] {
            let text = text(name);
            let parameters =
                "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
            for text in [
                text.clone(),
                text.replace('\n', "\r\n"),
                format!("A comment\n{parameters}{text}"),
            ] {
                let keys = in_file(name, &text).unwrap();
                let keys: Vec<_> = keys.iter().map(Key::as_json).collect();
                assert_eq!(keys.iter().collect::<Vec<_>>(), expected, "{name}");
            }
        }
    }

    #[test]
    fn private_keys_are_never_read() {
        for kind in ["", "RSA ", "EC ", "DSA ", "ENCRYPTED ", "OPENSSH "] {
            for body in [
                "MC4CAQAwBQYDK2VwBCIEIA==",
                "Proc-Type: 4,ENCRYPTED\n\nAAAA",
                "#",
            ] {
                let private = format!(
                    "-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----\n"
                );
                for private in [
                    private.clone(),
                    text("sa.pub") + &private,
                    private.replace("-----END", ""),
                ] {
                    let error = in_file("sa.key", &private).unwrap_err().to_string();
                    let expected = format!(
                        "sa.key: expected public keys, found a private key, \"{kind}PRIVATE KEY\", which only the API server needs; \
                         help: write its public key with openssl pkey -in sa.key -pubout -out FILE"
                    );
                    assert_eq!(error, expected);
                }
            }
        }
    }

    #[test]
    fn says_what_is_no_key() {
        let first = text("sa.pub");
        let truncated = first.replace("-----END PUBLIC KEY-----", "");
        let named = |name: &str| (name.to_owned(), text(name));
        let made = |text: &str| ("f".to_owned(), text.to_owned());
        let block = |label: &str| {
            let body = "MC4CAQAwBQYDK2VwBCIEIA==";
            made(&format!(
                "-----BEGIN {label}-----\n{body}\n-----END {label}-----\n"
            ))
        };
        const CURVE: &str = "expected a key on the curve P-256, P-384 or P-521";
        const PEM: &str = "expected public keys in PEM, from BEGIN PUBLIC KEY to END PUBLIC KEY";
        for ((name, text), expected) in [
            (
                named("rsa-1024.pub"),
                "expected an RSA key of 2048 bits or more, found 1024 bits; help: make a new key with openssl genrsa 2048, and let the \
                 API server sign with it"
                    .to_owned(),
            ),
            (
                named("ed25519.pub"),
                "expected a key of RSA, or one on the curve P-256, P-384 or P-521, found one of Ed25519".to_owned(),
            ),
            (named("secp256k1.pub"), format!("{CURVE}, found secp256k1")),
            (
                named("explicit.pub"),
                format!("{CURVE}, found one with parameters of its own; help: openssl ec -pubin -in FILE -param_enc named_curve"),
            ),
            (
                named("compressed.pub"),
                "expected both coordinates of a point on P-256, found a compressed point or other bytes; help: openssl ec -pubin -in \
                 FILE -conv_form uncompressed"
                    .to_owned(),
            ),
            (made(" "), format!("{PEM}, found nothing")),
            (made("{}"), format!("{PEM}, found JSON")),
            (
                made("ssh-rsa AAAA me"),
                format!("{PEM}, found a key of OpenSSH; help: ssh-keygen -e -m PKCS8 -f FILE"),
            ),
            (
                made("MIIB"),
                format!("{PEM}, found none; help: for a key in DER, openssl pkey -pubin -inform DER -in FILE"),
            ),
            (
                made(&truncated),
                "expected 1 blocks of PEM, as there are lines with BEGIN, found 0 that are whole; help: see whether each has a line \
                 with END and the same words"
                    .to_owned(),
            ),
            (
                block("CERTIFICATE REQUEST"),
                "expected PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE, found \"CERTIFICATE REQUEST\"".to_owned(),
            ),
            (
                block("EC PARAMETERS"),
                "expected public keys, found EC PARAMETERS alone".to_owned(),
            ),
        ] {
            let error = in_file(&name, &text).unwrap_err().to_string();
            assert_eq!(error, format!("{name}: {expected}"));
        }
        let (name, second) = block("PUBLIC KEY");
        let error = in_file(&name, &(first + &second)).unwrap_err().to_string();
        let expected = "f, key 2: expected a PUBLIC KEY, found other bytes: ";
        assert!(error.starts_with(expected), "{error}");
    }
}
