//! Where names are in a list.

use std::collections::HashMap;

/// The index of each name's first place. A pod can have tens of thousands of names, so they are not searched one by one.
pub type Places<'n> = HashMap<&'n str, usize>;

/// The places of names.
pub fn places<'n>(names: &mut dyn Iterator<Item = &'n str>) -> Places<'n> {
    let mut places = Places::new();
    for (index, name) in names.enumerate() {
        places.entry(name).or_insert(index);
    }
    places
}
