//! Any text in every place of a request.

/// A pod that opts in, with `text` in place of the word HERE, which is in many places in turn.
pub fn with_everywhere(text: &str) -> Vec<Vec<u8>> {
    let places = [
        r#"HERE"#,
        r#"{"request":HERE}"#,
        r#"{"settings":HERE,"request":REQUEST}"#,
        r#"{"settings":SETTINGS,"request":{"kind":HERE}}"#,
        r#"{"settings":SETTINGS,"request":REQUEST,"future":HERE}"#,
        r#""metadata":{"labels":{"azure.workload.identity/use":"true"},"annotations":HERE}"#,
        r#""metadata":{"labels":{"azure.workload.identity/use":"true","a":HERE}}"#,
        r#""metadata":{"labels":{"azure.workload.identity/use":"true","azure.workload.identity/x":HERE}}"#,
        r#"METADATA,"spec":HERE"#,
        r#"METADATA,"spec":{"containers":HERE}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app","env":HERE}]}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app","env":[{"name":"AZURE_CLIENT_ID","value":HERE}]}]}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app","ports":HERE}]}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app","volumeMounts":HERE}]}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app","future":HERE}]}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app"}],"volumes":HERE}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app"}],"volumes":[{"name":"a","projected":HERE}]}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app"}],"volumes":[{"name":"a","secret":HERE}]}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app"}],"os":HERE}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app"}],"future":HERE}"#,
        r#"METADATA,"spec":{"containers":[{"name":"app"}]},"status":HERE"#,
    ];
    let fill = |place: &&str| {
        let whole = if place.starts_with(['{', 'H']) {
            (*place).to_owned()
        } else {
            r#"{"settings":SETTINGS,"request":REQUEST}"#.replace("REQUEST", &format!(
                r#"{{"namespace":"default","operation":"CREATE","kind":{{"group":"","version":"v1","kind":"Pod"}},"object":{{{place}}}}}"#
            ))
        };
        let whole = whole
            .replace("REQUEST", r#"{"namespace":"default","operation":"CREATE","kind":{"kind":"Pod"},"object":{METADATA,"spec":{"containers":[{"name":"app"}]}}}"#)
            .replace("METADATA", r#""metadata":{"name":"a","labels":{"azure.workload.identity/use":"true"},"annotations":{"azure.workload.identity/inject-proxy-sidecar":"true"}}"#)
            .replace("SETTINGS", r#"{"azureTenantID":"contoso.com"}"#);
        whole.replace("HERE", text).into_bytes()
    };
    places.iter().map(fill).collect()
}
