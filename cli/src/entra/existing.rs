//! The credentials that exist, as Azure's tools print them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use azure_workload_identity_policy::messages::Excerpt;
use azure_workload_identity_policy::values;
use serde_json::Value;

use crate::input::manifests::{self, Written, name_of_type};

/// A file with what exists, and whose credentials they are if that is said beside it: `CLIENT_ID=FILE` or `FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingFile {
    client_id: Option<String>,
    path: PathBuf,
}

impl ExistingFile {
    /// Reads an argument.
    pub fn new(argument: &str) -> Self {
        let named = argument.split_once('=');
        let named = named.filter(|(client_id, _)| values::client_id(client_id).is_ok());
        match named {
            Some((client_id, path)) => Self {
                client_id: Some(client_id.to_lowercase()),
                path: path.into(),
            },
            None => Self {
                client_id: None,
                path: argument.into(),
            },
        }
    }
}

/// A credential that exists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExistingCredential {
    /// Its name.
    pub name: String,
    /// The issuer; `None` if it comes from elsewhere, such as a ConfigMap.
    pub issuer: Option<String>,
    /// The subject; `None` if it is an expression, or comes from elsewhere.
    pub subject: Option<String>,
    /// The audiences.
    pub audiences: Vec<String>,
}

/// An application or managed identity, as far as it is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holder {
    /// Whether it is an application; else it is a managed identity, as far as is known.
    pub is_application: bool,
    /// The managed identity's resource ID.
    pub resource_id: Option<String>,
    /// The application's object ID.
    pub object_id: Option<String>,
    /// The managed identity's principal ID, which is the object ID of its service principal.
    pub principal_id: Option<String>,
    /// The managed identity's tenant.
    pub tenant_id: Option<String>,
    /// Its credentials; `None` if no file tells of them.
    pub credentials: Option<Vec<ExistingCredential>>,
}

impl Holder {
    /// The name of the managed identity, if it is known.
    pub fn name(&self) -> Option<&str> {
        self.part(8)
    }

    /// Its resource group, if it is known.
    pub fn resource_group(&self) -> Option<&str> {
        self.part(4)
    }

    /// Its subscription, if it is known.
    pub fn subscription(&self) -> Option<&str> {
        self.part(2)
    }

    /// A segment of the resource ID.
    fn part(&self, index: usize) -> Option<&str> {
        self.resource_id.as_deref()?.split('/').nth(index)
    }
}

/// The resource ID of a managed identity in its usual form, whatever of it is in lower case; `None` if it is another one's. The
/// Azure CLI prints `resourcegroups`, which Terraform's provider does not take.
fn resource_id(text: &str) -> Option<String> {
    let fixed = [
        (0, ""),
        (1, "subscriptions"),
        (3, "resourceGroups"),
        (5, "providers"),
        (6, "Microsoft.ManagedIdentity"),
        (7, "userAssignedIdentities"),
    ];
    let mut segments: Vec<&str> = text.split('/').take(9).collect();
    for (index, name) in fixed {
        let segment = segments.get_mut(index)?;
        if !segment.eq_ignore_ascii_case(name) {
            return None;
        }
        *segment = name;
    }
    let is_whole = segments.len() == 9 && segments.iter().skip(1).all(|part| !part.is_empty());
    is_whole.then(|| segments.join("/"))
}

/// All that is known of applications and managed identities, by client ID in lower case.
pub type Holders = BTreeMap<String, Holder>;

/// Whether it is known which credentials one of them has.
pub fn tells_of_credentials(holders: &Holders) -> bool {
    holders.values().any(|holder| holder.credentials.is_some())
}

/// Whose a credential is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    /// The managed identity with this resource ID.
    Resource(ResourceId),
    /// The managed identity of the object with this API group, namespace and name.
    Object(String, String, String),
    /// Nothing says.
    Unknown,
}

/// A resource ID, of which upper and lower case are the same.
#[derive(Debug, Clone)]
struct ResourceId(String);

impl ResourceId {
    fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

impl PartialEq for ResourceId {
    fn eq(&self, other: &Self) -> bool {
        self.folded() == other.folded()
    }
}

impl Eq for ResourceId {}

impl PartialOrd for ResourceId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ResourceId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded().cmp(&other.folded())
    }
}

/// What one object in a file is.
enum Item {
    Credential(Owner, ExistingCredential),
    Identity(Identity),
    /// An application: its client ID and its object ID.
    Application(String, Option<String>),
}

/// A managed identity.
#[derive(Default)]
struct Identity {
    /// Its client ID, once Azure has made it.
    client_id: Option<String>,
    resource_id: Option<String>,
    principal_id: Option<String>,
    tenant_id: Option<String>,
    /// The object that stands for it.
    object: Option<Owner>,
}

/// Reads what exists. A file that does not say whose its credentials are counts for the one client ID in `wanted`, if it is
/// only one.
///
/// # Errors
///
/// Files that cannot be read, that hold something else, or that do not say whose the credentials are.
pub fn read(files: &[ExistingFile], wanted: &BTreeSet<String>) -> Result<Holders> {
    let mut documents = Vec::new();
    for file in files {
        let written = manifests::documents_in(&file.path)?;
        documents.push((file.client_id.clone(), file.path.as_path(), written));
    }
    holders(documents, wanted)
}

/// As [`read`], with the contents of the files.
fn holders(
    files: Vec<(Option<String>, &Path, Vec<Written>)>,
    wanted: &BTreeSet<String>,
) -> Result<Holders> {
    let mut holders = Holders::new();
    let mut known: BTreeMap<Owner, String> = BTreeMap::new();
    let mut unowned = Vec::new();
    for (client_id, path, documents) in files {
        if let Some(client_id) = &client_id {
            let holder = holders.entry(client_id.clone()).or_default();
            // An empty list says that there are none.
            holder.credentials.get_or_insert_default();
        }
        let mut is_empty = true;
        for written in documents {
            for object in objects(&written.value) {
                is_empty = false;
                match item(object) {
                    None => bail!(
                        "{}: expected what az identity federated-credential list, az ad app federated-credential list, \
                         az identity list, az ad app list or kubectl get (Azure Service Operator, Crossplane) print, found {}",
                        written.origin,
                        describe(object)
                    ),
                    Some(Item::Identity(identity)) => {
                        // Else Azure has not made it yet.
                        if let Some(client_id) = identity.client_id {
                            let holder = holders.entry(client_id.clone()).or_default();
                            if let Some(id) = &identity.resource_id {
                                let owner = Owner::Resource(ResourceId(id.clone()));
                                known.insert(owner, client_id.clone());
                            }
                            let or =
                                |new: Option<String>, old: &mut Option<String>| new.or(old.take());
                            holder.resource_id = or(identity.resource_id, &mut holder.resource_id);
                            holder.principal_id =
                                or(identity.principal_id, &mut holder.principal_id);
                            holder.tenant_id = or(identity.tenant_id, &mut holder.tenant_id);
                            known.extend(identity.object.map(|object| (object, client_id)));
                        }
                    }
                    Some(Item::Application(client_id, object_id)) => {
                        let holder = holders.entry(client_id).or_default();
                        holder.is_application = true;
                        holder.object_id = object_id;
                    }
                    Some(Item::Credential(owner, credential)) => {
                        let place = written.origin.to_string();
                        unowned.push((client_id.clone(), owner, credential, place));
                    }
                }
            }
        }
        if is_empty && client_id.is_none() {
            let Some(only) = only(wanted) else {
                bail!(
                    "{}: holds no credentials, and does not say whose; {HELP}",
                    path.display()
                );
            };
            let holder = holders.entry(only.clone()).or_default();
            holder.credentials.get_or_insert_default();
        }
    }
    for (client_id, owner, credential, place) in unowned {
        let Some(of) = client_id
            .as_ref()
            .or_else(|| known.get(&owner))
            .or_else(|| only(wanted))
        else {
            let name = Excerpt::new(&credential.name);
            bail!("{place}: credential {name} does not say whose it is; {HELP}");
        };
        let holder = holders.entry(of.clone()).or_default();
        match owner {
            Owner::Resource(id) => _ = holder.resource_id.get_or_insert(id.0),
            Owner::Object(..) => {}
            // Azure's tools print the resource ID of a managed identity's credentials.
            Owner::Unknown => holder.is_application = true,
        }
        holder.credentials.get_or_insert_default().push(credential);
    }
    Ok(holders)
}

const HELP: &str = "help: give CLIENT_ID=FILE, or add a file with what az identity list prints";

/// The client ID, if there is only one.
fn only(wanted: &BTreeSet<String>) -> Option<&String> {
    wanted.first().filter(|_| wanted.len() == 1)
}

/// The objects in a document: itself, or what a list of one of the usual forms holds.
fn objects(value: &Value) -> Vec<&Value> {
    let listed = match value {
        Value::Array(items) => Some(items),
        // Resource Manager and Graph.
        Value::Object(fields) => match (fields.get("value"), fields.get("items")) {
            (Some(Value::Array(items)), _) => Some(items),
            (_, Some(Value::Array(items))) if fields.contains_key("kind") => Some(items),
            _ => None,
        },
        _ => None,
    };
    match listed {
        Some(items) => items.iter().flat_map(objects).collect(),
        None => vec![value],
    }
}

fn describe(object: &Value) -> String {
    match object.get("kind").and_then(Value::as_str) {
        Some(kind) => format!("{}", Excerpt::new(kind)),
        None => name_of_type(object).to_owned(),
    }
}

/// What an object is; `None` if it is something else.
fn item(object: &Value) -> Option<Item> {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str);
    let api_version = text("/apiVersion").unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    match group {
        "managedidentity.azure.com" => return of_service_operator(object, group),
        "managedidentity.azure.upbound.io" | "managedidentity.azure.m.upbound.io" => {
            return of_crossplane(object, group);
        }
        _ => {}
    }
    let properties = object.get("properties").unwrap_or(object);
    let field = |name: &str| properties.get(name).and_then(Value::as_str);
    let is_credential =
        properties.get("audiences").is_some_and(Value::is_array) && field("issuer").is_some();
    if is_credential {
        let owner = of_resource(text("/id"));
        let credential = ExistingCredential {
            name: text("/name").unwrap_or_default().to_owned(),
            issuer: field("issuer").map(str::to_owned),
            subject: field("subject").map(str::to_owned),
            audiences: strings(properties.get("audiences")),
        };
        return Some(Item::Credential(owner, credential));
    }
    if let Some(app_id) = text("/appId") {
        let object_id = text("/id").map(str::to_owned);
        return Some(Item::Application(app_id.to_lowercase(), object_id));
    }
    Some(Item::Identity(Identity {
        client_id: Some(field("clientId")?.to_lowercase()),
        resource_id: text("/id").and_then(resource_id),
        principal_id: field("principalId").map(str::to_lowercase),
        tenant_id: field("tenantId").map(str::to_lowercase),
        object: None,
    }))
}

/// The managed identity with a resource ID, or a part of what it has.
fn of_resource(id: Option<&str>) -> Owner {
    match id.and_then(resource_id) {
        Some(id) => Owner::Resource(ResourceId(id)),
        None => Owner::Unknown,
    }
}

/// What the status of an object says of a managed identity.
fn of_status(object: &Value, path: &str, owner: Owner) -> Identity {
    let field = |name: &str| {
        let value = object.pointer(&format!("{path}/{name}"));
        value.and_then(Value::as_str)
    };
    Identity {
        client_id: field("clientId").map(str::to_lowercase),
        resource_id: field("id").and_then(resource_id),
        principal_id: field("principalId").map(str::to_lowercase),
        tenant_id: field("tenantId").map(str::to_lowercase),
        object: Some(owner),
    }
}

/// The object of Azure Service Operator.
fn of_service_operator(object: &Value, group: &str) -> Option<Item> {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str);
    let own = |path: &str| text(path).map(str::to_owned);
    let namespace = text("/metadata/namespace").unwrap_or("default");
    let named = |name: &str| Owner::Object(group.to_owned(), namespace.to_owned(), name.to_owned());
    let name = text("/metadata/name").unwrap_or_default();
    match text("/kind")? {
        "UserAssignedIdentity" => Some(Item::Identity(of_status(object, "/status", named(name)))),
        "FederatedIdentityCredential" => {
            let owner = match (text("/spec/owner/armId"), text("/spec/owner/name")) {
                (Some(id), _) => of_resource(Some(id)),
                (None, Some(name)) => named(name),
                (None, None) => Owner::Unknown,
            };
            let credential = ExistingCredential {
                name: text("/spec/azureName").unwrap_or(name).to_owned(),
                issuer: own("/spec/issuer"),
                subject: own("/spec/subject"),
                audiences: strings(object.pointer("/spec/audiences")),
            };
            Some(Item::Credential(owner, credential))
        }
        _ => None,
    }
}

/// The object of Crossplane.
fn of_crossplane(object: &Value, group: &str) -> Option<Item> {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str);
    let own = |path: &str| text(path).map(str::to_owned);
    let namespace = text("/metadata/namespace").unwrap_or_default();
    let named = |name: &str| Owner::Object(group.to_owned(), namespace.to_owned(), name.to_owned());
    let name = text("/metadata/name").unwrap_or_default();
    match text("/kind")? {
        "UserAssignedIdentity" => Some(Item::Identity(of_status(
            object,
            "/status/atProvider",
            named(name),
        ))),
        "FederatedIdentityCredential" => {
            let of = "/spec/forProvider";
            let parent = |field: &str| text(&format!("{of}/{field}"));
            let id = parent("parentId").or(parent("userAssignedIdentityId"));
            let reference = parent("parentIdRef/name").or(parent("userAssignedIdentityIdRef/name"));
            let owner = match (id, reference) {
                (Some(id), _) => of_resource(Some(id)),
                (None, Some(name)) => named(name),
                (None, None) => Owner::Unknown,
            };
            let external = text("/metadata/annotations/crossplane.io~1external-name");
            let credential = ExistingCredential {
                name: external.unwrap_or(name).to_owned(),
                issuer: own(&format!("{of}/issuer")),
                subject: own(&format!("{of}/subject")),
                audiences: strings(object.pointer(&format!("{of}/audience"))),
            };
            Some(Item::Credential(owner, credential))
        }
        _ => None,
    }
}

fn strings(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    let items = items.filter_map(Value::as_str);
    items.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT_ID: &str = "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11";
    const ID: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Shop";

    fn read_texts(texts: &[(Option<&str>, &str)], wanted: &[&str]) -> Result<Holders> {
        let directory = tempfile::tempdir().unwrap();
        let mut files = Vec::new();
        for (index, (client_id, text)) in texts.iter().enumerate() {
            let path = directory.path().join(format!("{index}.yaml"));
            std::fs::write(&path, text).unwrap();
            files.push(ExistingFile {
                client_id: client_id.map(str::to_owned),
                path,
            });
        }
        let wanted = wanted.iter().map(|one| (*one).to_owned()).collect();
        read(&files, &wanted)
    }

    fn credential(name: &str) -> ExistingCredential {
        ExistingCredential {
            name: name.to_owned(),
            issuer: Some("https://i".to_owned()),
            subject: Some("s".to_owned()),
            audiences: vec!["a".to_owned()],
        }
    }

    #[test]
    fn each_tool_is_understood() {
        let lower = ID.to_lowercase();
        let of_arm = format!(
            r#"[{{"id": "{lower}/federatedIdentityCredentials/n", "name": "n", "issuer": "https://i", "subject": "s", "audiences": ["a"]}}]"#
        );
        let of_rest = format!(
            r#"{{"value": [{{"id": "{ID}/federatedIdentityCredentials/n", "name": "n",
            "properties": {{"issuer": "https://i", "subject": "s", "audiences": ["a"]}}}}]}}"#
        );
        let identities = format!(
            r#"[{{"clientId": "{}", "id": "{lower}"}}]"#,
            CLIENT_ID.to_uppercase()
        );
        let operator = format!(
            "{{apiVersion: managedidentity.azure.com/v1api20230131, kind: UserAssignedIdentity, metadata: {{name: shop, namespace: n}}, \
             status: {{clientId: {CLIENT_ID}, id: {ID}}}}}\n---\n\
             {{apiVersion: managedidentity.azure.com/v1api20230131, kind: FederatedIdentityCredential, metadata: {{name: n, namespace: n}}, \
             spec: {{owner: {{name: shop}}, issuer: 'https://i', subject: s, audiences: [a]}}}}"
        );
        let crossplane = format!(
            "{{apiVersion: managedidentity.azure.upbound.io/v1beta1, kind: UserAssignedIdentity, metadata: {{name: shop}}, \
             status: {{atProvider: {{clientId: {CLIENT_ID}, id: {ID}}}}}}}\n---\n\
             {{apiVersion: managedidentity.azure.upbound.io/v1beta1, kind: FederatedIdentityCredential, \
             metadata: {{name: x, annotations: {{crossplane.io/external-name: n}}}}, \
             spec: {{forProvider: {{parentIdRef: {{name: shop}}, issuer: 'https://i', subject: s, audience: [a]}}}}}}"
        );
        let canonical = ID.replace("Shop", "shop").to_owned();
        for (texts, id) in [
            (vec![&*of_arm, &*identities], &*canonical),
            (vec![&*of_rest, &*identities], &*canonical),
            (vec![&*of_arm], &*canonical),
            (vec![&*operator], ID),
            (vec![&*crossplane], ID),
        ] {
            let texts: Vec<_> = texts.into_iter().map(|text| (None, text)).collect();
            let expected = Holder {
                is_application: false,
                resource_id: Some(id.to_owned()),
                credentials: Some(vec![credential("n")]),
                ..Holder::default()
            };
            let holders = read_texts(&texts, &[CLIENT_ID]).unwrap();
            assert_eq!(
                holders,
                Holders::from([(CLIENT_ID.to_owned(), expected)]),
                "{texts:?}"
            );
        }
        let application = r#"[{"id": "x", "name": "n", "issuer": "https://i", "subject": "s", "audiences": ["a"]}]"#;
        let expected = Holder {
            is_application: true,
            credentials: Some(vec![credential("n")]),
            ..Holder::default()
        };
        let holders = read_texts(&[(Some(CLIENT_ID), application)], &[]).unwrap();
        assert_eq!(holders, Holders::from([(CLIENT_ID.to_owned(), expected)]));
    }

    #[test]
    fn identities_say_which_ids_are_not_client_ids() {
        let principal = "5F8A2C1B-0000-4000-8000-000000000001";
        let tenant = "AAAABBBB-0000-CCCC-1111-DDDD2222EEEE";
        let of_az = format!(
            r#"[{{"clientId": "{CLIENT_ID}", "principalId": "{principal}", "tenantId": "{tenant}"}}]"#
        );
        let of_operator = format!(
            "{{apiVersion: managedidentity.azure.com/v1api20230131, kind: UserAssignedIdentity, metadata: {{name: shop}}, \
             status: {{clientId: {CLIENT_ID}, principalId: {principal}, tenantId: {tenant}}}}}"
        );
        let of_crossplane = format!(
            "{{apiVersion: managedidentity.azure.upbound.io/v1beta1, kind: UserAssignedIdentity, metadata: {{name: shop}}, \
             status: {{atProvider: {{clientId: {CLIENT_ID}, principalId: {principal}, tenantId: {tenant}}}}}}}"
        );
        let expected = Holder {
            principal_id: Some(principal.to_lowercase()),
            tenant_id: Some(tenant.to_lowercase()),
            ..Holder::default()
        };
        for text in [of_az, of_operator, of_crossplane] {
            let holders = read_texts(&[(None, &text)], &[]).unwrap();
            assert_eq!(
                holders,
                Holders::from([(CLIENT_ID.to_owned(), expected.clone())]),
                "{text}"
            );
        }
    }

    #[test]
    fn resource_ids_get_their_usual_form() {
        for (text, expected) in [
            (ID.to_owned(), Some(ID)),
            (ID.replace("resourceGroups", "resourcegroups"), Some(ID)),
            (format!("{ID}/federatedIdentityCredentials/c"), Some(ID)),
            (ID.replace("/Shop", ""), None),
            (ID.replace("/Shop", "/"), None),
            (ID.replace("ManagedIdentity", "Compute"), None),
            (String::new(), None),
        ] {
            assert_eq!(resource_id(&text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn arguments_may_say_whose_the_credentials_are() {
        let file = |client_id: Option<&str>, path: &str| ExistingFile {
            client_id: client_id.map(str::to_owned),
            path: path.into(),
        };
        for (argument, expected) in [
            ("a.json", file(None, "a.json")),
            ("a=b.json", file(None, "a=b.json")),
            (
                "8F1C2A7E-5D3B-4C59-9A57-0B6F4F0F9D11=a=b",
                file(Some(CLIENT_ID), "a=b"),
            ),
        ] {
            assert_eq!(ExistingFile::new(argument), expected);
        }
    }
}
