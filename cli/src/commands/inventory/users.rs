//! Who uses an identity.

use std::collections::BTreeSet;

/// Who uses an identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users {
    /// The ServiceAccounts, by namespace and name.
    pub accounts: BTreeSet<(String, String)>,
    /// How many workloads and pods.
    pub workloads: usize,
}

impl Users {
    /// The namespaces.
    pub fn namespaces(&self) -> BTreeSet<&str> {
        self.accounts
            .iter()
            .map(|(namespace, _)| &**namespace)
            .collect()
    }
}

/// A ServiceAccount that names a client ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The client ID, as it is named.
    pub client_id: String,
    /// Whether a pod that opts in uses it.
    pub is_used: bool,
    /// A workload or pod that uses it without opting in, as messages name it.
    pub other_user: Option<String>,
}
