//! What `azwi-policy credentials` writes is read by the tools that it is for as it was meant, whatever the names are.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use azwi_policy::commands::credentials::{Credentials, Format, Use};
use azwi_policy::commands::preview::Remarks;
use azwi_policy::entra::comparison::compare;
use azwi_policy::entra::credential::{Credential, Subject};
use azwi_policy::entra::existing::{Holder, Holders};
use azwi_policy::output;
use proptest::prelude::*;
use serde_json::{Value, json};
use tree_sitter::{Node, Parser};

/// A managed identity of which nothing more is known, one whose resource ID is known, and an application.
const CLIENT_IDS: [&str; 3] = [
    "8f1c2a7e-5d3b-4c59-9a57-0b6f4f0f9d11",
    "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
    "0a3c5d7e-1111-4222-8333-444455556666",
];

const RESOURCE_ID: &str = "/subscriptions/00000000-1111-2222-3333-444444444444/resourceGroups/rg-shop/providers/\
                           Microsoft.ManagedIdentity/userAssignedIdentities/id-shop";

const OBJECT_ID: &str = "0a3c0000-0000-4000-8000-000000000001";

fn holders() -> Holders {
    let known = Holder {
        resource_id: Some(RESOURCE_ID.to_owned()),
        ..Holder::default()
    };
    let application = Holder {
        is_application: true,
        object_id: Some(OBJECT_ID.to_owned()),
        ..Holder::default()
    };
    Holders::from([
        (CLIENT_IDS[1].to_owned(), known),
        (CLIENT_IDS[2].to_owned(), application),
    ])
}

fn credentials(wanted: &[Credential]) -> Credentials {
    let uses = wanted.iter().map(|one| (one.clone(), Use::default()));
    let holders = holders();
    Credentials {
        issuer: "https://oidc.example.com/".to_owned(),
        comparisons: compare(
            wanted.to_vec(),
            &holders,
            false,
            "https://oidc.example.com/",
            &BTreeSet::new(),
        ),
        uses: uses.collect(),
        holders,
        compares: false,
        complaints: Vec::new(),
        remarks: Remarks::default(),
    }
}

fn written(wanted: &[Credential], format: Format) -> anyhow::Result<String> {
    let mut output = Vec::new();
    output::credentials::write(&mut output, &credentials(wanted), format, None)?;
    Ok(String::from_utf8(output).unwrap())
}

/// Credentials with names that Kubernetes would not have, and that a shell or a parser could take for something else.
fn wanted(of: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Credential>> {
    let hostile = "[a-z'\"$`\\\\{}();|&<>#~*?!\n\r\t %@=\u{e9}\u{7}-]{0,12}";
    let issuer = prop_oneof![
        Just("https://oidc.example.com/".to_owned()),
        hostile.prop_map(|text| format!("https://{text}")),
    ];
    let audience = hostile.prop_map(|text| format!("api{text}"));
    let credential = (of, hostile, hostile, issuer, audience);
    let credential = credential.prop_map(|(index, namespace, name, issuer, audience)| Credential {
        client_id: CLIENT_IDS[index].to_owned(),
        subject: Subject { namespace, name },
        audience,
        issuer,
    });
    prop::collection::btree_set(credential, 1..4).prop_map(|set| set.into_iter().collect())
}

/// An `az` that finds one managed identity, and tells of its other arguments: a line for each, in hexadecimal digits.
const AZ: &str = r#"
az() {
  case "$1 $2" in
    "identity list") case "$4" in *.name) echo id-found ;; *) echo rg-found ;; esac ;;
    *) for argument; do printf '%s' "$argument" | od -An -v -tx1 | tr -d ' \n'; echo; done; echo ;;
  esac
}
"#;

/// The commands that a script runs, each with its arguments.
fn run(script: &str) -> Vec<Vec<String>> {
    let output = Command::new("sh")
        .args(["-c", &format!("{AZ}{script}")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}\n{script}");
    assert!(output.stderr.is_empty(), "{output:?}\n{script}");
    let text = String::from_utf8(output.stdout).unwrap();
    let argument = |line: &str| {
        let bytes = (0..line.len()).step_by(2);
        let bytes = bytes.map(|at| u8::from_str_radix(&line[at..at + 2], 16).unwrap());
        String::from_utf8(bytes.collect()).unwrap()
    };
    let commands = text.split("\n\n").filter(|command| !command.is_empty());
    commands
        .map(|command| command.lines().map(argument).collect())
        .collect()
}

/// The arguments that make a credential.
fn arguments(credential: &Credential) -> Vec<String> {
    let subject = credential.subject.to_string();
    let name = credential.name();
    let client_id = credential.client_id.as_str();
    if client_id == CLIENT_IDS[2] {
        let parameters = json!({
            "name": name, "issuer": credential.issuer, "subject": subject, "audiences": [credential.audience],
        });
        let parameters = parameters.to_string();
        let command = "ad app federated-credential create --id";
        let command = command.split(' ').map(str::to_owned);
        return command
            .chain([client_id.to_owned(), "--parameters".to_owned(), parameters])
            .collect();
    }
    let command = "identity federated-credential create";
    let mut arguments: Vec<_> = command.split(' ').map(str::to_owned).collect();
    let (identity, group) = if client_id == CLIENT_IDS[1] {
        let subscription = ["--subscription", "00000000-1111-2222-3333-444444444444"];
        arguments.extend(subscription.map(str::to_owned));
        ("id-shop", "rg-shop")
    } else {
        ("id-found", "rg-found")
    };
    let flags = [
        ("--identity-name", identity),
        ("--resource-group", group),
        ("--name", &name),
        ("--issuer", &credential.issuer),
        ("--subject", &subject),
        ("--audiences", &credential.audience),
    ];
    for (flag, value) in flags {
        arguments.extend([flag.to_owned(), value.to_owned()]);
    }
    arguments
}

/// The credentials in the order of the output.
fn by_identity(wanted: &[Credential], ids: &[usize]) -> Vec<Credential> {
    let ids = ids.iter();
    ids.flat_map(|index| {
        let of_identity = move |one: &&Credential| one.client_id == CLIENT_IDS[*index];
        wanted.iter().filter(of_identity).cloned()
    })
    .collect()
}

/// What a string of Bicep says.
fn unquoted(text: &str) -> String {
    let mut characters = text
        .strip_prefix('\'')
        .unwrap()
        .strip_suffix('\'')
        .unwrap()
        .chars();
    let mut said = String::new();
    while let Some(character) = characters.next() {
        match character {
            '\'' | '\n' => panic!("{text}"),
            '$' => said.push('$'),
            '\\' => match characters.next().unwrap() {
                'n' => said.push('\n'),
                'r' => said.push('\r'),
                't' => said.push('\t'),
                'u' => {
                    let digits: String =
                        characters.by_ref().take_while(|one| *one != '}').collect();
                    let code = u32::from_str_radix(digits.trim_start_matches('{'), 16).unwrap();
                    said.push(char::from_u32(code).unwrap());
                }
                escaped @ ('\\' | '\'' | '$') => said.push(escaped),
                other => panic!("{other} in {text}"),
            },
            other => said.push(other),
        }
    }
    said
}

/// The strings of a Bicep file, in order.
fn strings(file: &str) -> Vec<String> {
    fn collect(node: Node<'_>, file: &str, strings: &mut Vec<String>) {
        assert!(
            !node.is_error() && !node.is_missing(),
            "{}\n{file}",
            node.to_sexp()
        );
        if node.kind() == "string" {
            strings.push(file[node.byte_range()].to_owned());
            return;
        }
        let mut cursor = node.walk();
        for child in node.children(&mut cursor) {
            collect(child, file, strings);
        }
    }
    // The grammar is older than extensions.
    let file = &file.replacen("\nextension microsoftGraphV1\n", "\n", 1);
    let mut parser = Parser::new();
    parser
        .set_language(&tree_sitter_bicep::LANGUAGE.into())
        .unwrap();
    let tree = parser.parse(file, None).unwrap();
    let mut strings = Vec::new();
    collect(tree.root_node(), file, &mut strings);
    strings
}

/// What the definitions of the two operators and of the providers of Terraform demand: exactly these fields, of these types.
fn operator_schema(kind: &str) -> Value {
    let string = json!({"type": "string", "minLength": 1});
    let one = json!({"type": "array", "items": string, "minItems": 1, "maxItems": 1});
    let object = |properties: Value| {
        let required: Vec<_> = properties.as_object().unwrap().keys().cloned().collect();
        json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
    };
    // The names of objects are DNS subdomains.
    let name = json!({"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,251}[a-z0-9])?$"});
    let azure_name = json!({"type": "string", "pattern": "^[a-zA-Z0-9][a-zA-Z0-9_-]{2,119}$"});
    let (api_version, metadata, spec) = match kind {
        "aso" => (
            "managedidentity.azure.com/v1api20230131",
            object(json!({"name": name, "namespace": {"type": "string"}})),
            object(json!({
                "azureName": azure_name, "owner": object(json!({"armId": string})),
                "issuer": string, "subject": string, "audiences": one,
            })),
        ),
        "crossplane" => (
            "managedidentity.azure.upbound.io/v1beta1",
            object(
                json!({"name": name, "annotations": object(json!({"crossplane.io/external-name": azure_name}))}),
            ),
            object(json!({"forProvider": object(json!({
                "parentId": string, "resourceGroupName": {"const": "rg-shop"},
                "issuer": string, "subject": string, "audience": one,
            }))})),
        ),
        _ => (
            "applications.azuread.upbound.io/v1beta1",
            object(json!({"name": name})),
            object(json!({"forProvider": object(json!({
                "applicationId": {"const": format!("/applications/{OBJECT_ID}")},
                "displayName": azure_name, "issuer": string, "subject": string, "audiences": one,
            }))})),
        ),
    };
    object(json!({
        "apiVersion": {"const": api_version}, "kind": {"const": "FederatedIdentityCredential"},
        "metadata": metadata, "spec": spec,
    }))
}

/// Issuer, subject and audience of an object of an operator.
fn said_by(object: &Value) -> [&str; 3] {
    let spec = &object["spec"];
    let said = spec.get("forProvider").unwrap_or(spec);
    let audiences = said.get("audiences").or(said.get("audience")).unwrap();
    [
        said["issuer"].as_str().unwrap(),
        said["subject"].as_str().unwrap(),
        audiences[0].as_str().unwrap(),
    ]
}

fn meant(credential: &Credential) -> [String; 3] {
    [
        credential.issuer.clone(),
        credential.subject.to_string(),
        credential.audience.clone(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_shell_runs_the_commands_that_are_meant(wanted in wanted(0..3)) {
        let script = written(&wanted, Format::Az).unwrap();
        let expected: Vec<_> = by_identity(&wanted, &[2, 1, 0]).iter().map(arguments).collect();
        prop_assert_eq!(run(&script), expected, "{}", script);
    }

    #[test]
    fn terraform_reads_what_is_meant(wanted in wanted(0..3)) {
        let text = written(&wanted, Format::Terraform).unwrap();
        let body: hcl::Body = hcl::from_str(&text).unwrap();
        let mut found: BTreeMap<String, [String; 3]> = BTreeMap::new();
        let string = |block: &hcl::Block, key: &str| {
            let attribute = block.body().attributes().find(|attribute| attribute.key() == key);
            match attribute.map(|attribute| attribute.expr()) {
                Some(hcl::Expression::String(text)) => text.clone(),
                Some(hcl::Expression::Array(items)) => match items.as_slice() {
                    [hcl::Expression::String(text)] => text.clone(),
                    other => panic!("{other:?}"),
                },
                other => panic!("{key}: {other:?}\n{text}"),
            }
        };
        for block in body.blocks().filter(|block| block.identifier() == "resource") {
            let [kind, label] = block.labels() else { panic!("{block:?}") };
            let is_application = kind.as_str() == "azuread_application_federated_identity_credential";
            let audience = if is_application { "audiences" } else { "audience" };
            let of = ["issuer", "subject", audience].map(|key| string(block, key));
            prop_assert_eq!(found.insert(label.as_str().to_owned(), of), None);
        }
        let expected: BTreeMap<_, _> = wanted
            .iter()
            .map(|one| (format!("credential_{}", one.identifier()), meant(one)))
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn bicep_reads_what_is_meant(wanted in wanted(0..3)) {
        let file = written(&wanted, Format::Bicep).unwrap();
        let strings: Vec<_> = strings(&file).iter().map(|text| unquoted(text)).collect();
        for credential in &wanted {
            let meant = meant(credential);
            prop_assert!(strings.windows(3).any(|three| three == meant), "{:?} {:?}", strings, meant);
        }
        prop_assert_eq!(file.matches("ederatedIdentityCredentials@").count(), wanted.len());
    }

    #[test]
    fn operators_read_what_is_meant(wanted in wanted(1..2), applications in wanted(2..3)) {
        for (format, kind, wanted) in [
            (Format::Aso, "aso", &wanted),
            (Format::Crossplane, "crossplane", &wanted),
            (Format::Crossplane, "application", &applications),
        ] {
            let text = written(wanted, format).unwrap();
            let schema = jsonschema::validator_for(&operator_schema(kind)).unwrap();
            let objects = azwi_policy::input::manifests::read_text("f", &text).unwrap();
            let objects: Vec<_> = objects.into_iter().map(|manifest| manifest.object).collect();
            for object in &objects {
                if let Err(error) = schema.validate(object) {
                    panic!("{error} in {object}");
                }
            }
            let said: Vec<_> = objects.iter().map(said_by).collect();
            let meant: Vec<_> = wanted.iter().map(meant).collect();
            prop_assert_eq!(said, meant);
        }
    }
}
