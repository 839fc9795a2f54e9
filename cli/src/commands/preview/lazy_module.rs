//! The module, which takes time to load.

use std::cell::OnceCell;
use std::sync::Arc;

use anyhow::Result;

use crate::kubewarden::guest::Guest;

/// A module that is loaded when it is needed, once for all previews.
pub struct LazyModule<'l> {
    name: String,
    load: Box<dyn Fn() -> Result<Arc<dyn Guest>> + 'l>,
    loaded: OnceCell<Arc<dyn Guest>>,
}

impl<'l> LazyModule<'l> {
    /// The module that `load` gives, which messages call `name`.
    pub fn new(name: String, load: impl Fn() -> Result<Arc<dyn Guest>> + 'l) -> Self {
        Self {
            name,
            load: Box::new(load),
            loaded: OnceCell::new(),
        }
    }

    /// What messages call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The module.
    ///
    /// # Errors
    ///
    /// What keeps it from being loaded.
    pub fn get(&self) -> Result<&Arc<dyn Guest>> {
        match self.loaded.get() {
            Some(module) => Ok(module),
            None => {
                let module = (self.load)()?;
                Ok(self.loaded.get_or_init(|| module))
            }
        }
    }
}
