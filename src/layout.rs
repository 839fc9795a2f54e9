//! Where the token volume goes, by release of the webhook.

use std::borrow::Cow;
use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The releases of the webhook whose token volume differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Up to v0.7.
    V0_7,
    /// v0.8 to v1.5.
    V1_5,
    /// v1.6.0: the volume is named after the pod.
    V1_6_0,
    /// v1.6.1: the mount path too.
    V1_6_1,
}

/// Name of the token volume up to v1.5, and of the token's file in every layout.
const TOKEN: &str = "azure-identity-token";

/// What the volume's name starts with from v1.6 on; users' volumes have other names.
const RESERVED: &str = "azure-workload-identity-reserved-";

/// Length of the hash in a volume's name: what [`RESERVED`] leaves of the 63 bytes that a name may have.
const HASH_LENGTH: usize = 30;

impl Layout {
    /// All of them, each with its name.
    pub const ALL: [(&str, Self); 4] = [
        ("v0.7", Self::V0_7),
        ("v1.5", Self::V1_5),
        ("v1.6.0", Self::V1_6_0),
        ("v1.6.1", Self::V1_6_1),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, layout)| *layout == self);
        found.map_or("", |(name, _)| name)
    }

    /// The path of the token within its volume.
    pub fn token_path(self) -> &'static str {
        match self {
            Self::V0_7 | Self::V1_5 => TOKEN,
            Self::V1_6_0 | Self::V1_6_1 => "token/azure-identity-token",
        }
    }

    /// Whether a file is the token of a volume that is mounted at this path.
    pub fn is_token_file(self, file: &str, mount_path: &str) -> bool {
        let path = file.strip_prefix(mount_path);
        let path = path.and_then(|path| path.strip_prefix('/'));
        path == Some(self.token_path())
    }

    /// The name of a pod's token volume.
    ///
    /// `name` and `generate_name` are those of the pod's metadata, each empty if it is not set.
    pub fn volume_name(self, name: &str, generate_name: &str) -> Cow<'static, str> {
        match self {
            Self::V0_7 | Self::V1_5 => TOKEN.into(),
            Self::V1_6_0 | Self::V1_6_1 => [RESERVED, &hash(name, generate_name)].concat().into(),
        }
    }

    /// Whether only a token volume has such a name, because it is reserved for it.
    pub fn reserves(self, volume_name: &str) -> bool {
        self.reserves_names() && volume_hash(volume_name).is_some()
    }

    /// Whether the token volume has a reserved name.
    fn reserves_names(self) -> bool {
        matches!(self, Self::V1_6_0 | Self::V1_6_1)
    }

    /// The layout that mounts a volume of this name there.
    pub fn of_mount(volume_name: &str, mount_path: &str) -> Option<Self> {
        let all = Self::ALL.iter().map(|(_, layout)| *layout);
        all.into_iter().find(|layout| {
            (volume_name == TOKEN && !layout.reserves_names() || layout.reserves(volume_name))
                && layout.mount_path(volume_name) == mount_path
        })
    }

    /// Where containers mount the token volume of this name.
    pub fn mount_path(self, volume_name: &str) -> Cow<'static, str> {
        match self {
            Self::V0_7 => "/var/run/secrets/tokens".into(),
            Self::V1_5 => "/var/run/secrets/azure/tokens".into(),
            Self::V1_6_0 => "/var/run/secrets/azure/wi".into(),
            Self::V1_6_1 => {
                let hash = volume_hash(volume_name).unwrap_or_default();
                ["/var/run/secrets/azure/wi/", hash].concat().into()
            }
        }
    }
}

fn volume_hash(volume_name: &str) -> Option<&str> {
    volume_name.strip_prefix(RESERVED).filter(|hash| {
        hash.len() == HASH_LENGTH && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// The webhook's hash of a pod's name, or of its `generateName`, marked so that the two cannot collide.
fn hash(name: &str, generate_name: &str) -> String {
    let digest = if name.is_empty() {
        Sha256::digest(format!("{generate_name} (prefix)"))
    } else {
        Sha256::digest(name)
    };
    let mut hash = String::with_capacity(HASH_LENGTH);
    for byte in digest.iter().take(HASH_LENGTH / 2) {
        // Writing to a String does not fail.
        let _ = write!(hash, "{byte:02x}");
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMO: &str = "azure-workload-identity-reserved-2a97516c354b68848cdbd8f54a226a";

    #[test]
    fn each_layout_has_its_paths() {
        for (layout, volume, mount, token) in [
            (
                Layout::V0_7,
                "azure-identity-token",
                "/var/run/secrets/tokens",
                "azure-identity-token",
            ),
            (
                Layout::V1_5,
                "azure-identity-token",
                "/var/run/secrets/azure/tokens",
                "azure-identity-token",
            ),
            (
                Layout::V1_6_0,
                DEMO,
                "/var/run/secrets/azure/wi",
                "token/azure-identity-token",
            ),
            (
                Layout::V1_6_1,
                DEMO,
                "/var/run/secrets/azure/wi/2a97516c354b68848cdbd8f54a226a",
                "token/azure-identity-token",
            ),
        ] {
            assert_eq!(layout.volume_name("demo", ""), volume);
            assert_eq!(layout.mount_path(volume), mount);
            assert_eq!(layout.token_path(), token);
            let file = format!("{mount}/{token}");
            assert!(layout.is_token_file(&file, mount));
            assert!(!layout.is_token_file(&file, "/var/run"));
            assert!(!layout.is_token_file(mount, mount));
        }
    }

    #[test]
    fn a_name_and_an_equal_generate_name_hash_apart() {
        let layout = Layout::V1_6_0;
        assert_eq!(layout.volume_name("demo", "ignored-"), DEMO);
        assert_ne!(layout.volume_name("", "demo"), DEMO);
        assert_eq!(
            layout.volume_name("", "demo"),
            layout.volume_name("demo (prefix)", "")
        );
        assert_eq!(layout.volume_name("", "demo-").len(), 63);
    }

    #[test]
    fn only_names_of_the_reserved_form_are_reserved() {
        assert!(Layout::V1_6_1.reserves(DEMO));
        assert!(!Layout::V1_5.reserves(DEMO));
        for name in [
            "azure-identity-token",
            "azure-workload-identity-reserved-",
            "azure-workload-identity-reserved-2a97516c354b68848cdbd8f54a226",
            "azure-workload-identity-reserved-za97516c354b68848cdbd8f54a226a",
        ] {
            assert!(!Layout::V1_6_1.reserves(name), "{name}");
        }
    }

    #[test]
    fn a_layout_is_known_by_its_mount() {
        for (_, layout) in Layout::ALL {
            let volume = layout.volume_name("demo", "");
            let path = layout.mount_path(&volume);
            assert_eq!(Layout::of_mount(&volume, &path), Some(layout));
            assert_eq!(Layout::of_mount("other", &path), None);
            assert_eq!(Layout::of_mount(&volume, "/other"), None);
        }
    }
}
