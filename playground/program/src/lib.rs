//! The bridge between the page of the playground and the library of `azwi-policy`.

use std::sync::Arc;

use azwi_policy::kubewarden::guest::{CallError, Guest, HostAnswer};
use azwi_policy::playground;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// What the page runs the module with.
    pub type Engine;

    #[wasm_bindgen(method, structural, catch)]
    fn call(
        this: &Engine,
        operation: &str,
        payload: Vec<u8>,
        answer: &Closure<HostCall>,
    ) -> Result<Vec<u8>, JsValue>;

    /// What JavaScript throws.
    #[wasm_bindgen(js_name = Error)]
    type Thrown;

    #[wasm_bindgen(method, getter, structural)]
    fn message(this: &Thrown) -> String;
}

/// A host call: binding, namespace, operation and payload.
type HostCall = dyn Fn(String, String, String, Vec<u8>) -> Result<Vec<u8>, JsValue>;

/// The module in the page's engine.
struct Page(Engine);

impl Guest for Page {
    fn call_answered_by(
        &self,
        operation: &str,
        payload: &[u8],
        answer: HostAnswer,
    ) -> Result<Vec<u8>, CallError> {
        let answer = Closure::<HostCall>::new(
            move |binding: String, namespace: String, operation: String, payload: Vec<u8>| {
                answer(&binding, &namespace, &operation, &payload)
                    .map_err(|error| JsValue::from_str(&error))
            },
        );
        self.0
            .call(operation, payload.to_vec(), &answer)
            .map_err(|error| CallError::Failed(text_of(&error)))
    }
}

/// What is said by something that was thrown.
fn text_of(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<Thrown>() {
        Some(error) => error.message(),
        None => thrown
            .as_string()
            .unwrap_or_else(|| "the engine failed".to_owned()),
    }
}

/// The program of the page.
#[wasm_bindgen]
pub struct Program(Arc<dyn Guest>);

#[wasm_bindgen]
impl Program {
    /// A program that runs the module of `engine`.
    #[wasm_bindgen(constructor)]
    pub fn new(engine: Engine) -> Self {
        Self(Arc::new(Page(engine)))
    }

    /// Answers an input, as JSON, with an output, as JSON.
    pub fn run(&self, input: &str) -> String {
        playground::answer(&self.0, input)
    }
}
