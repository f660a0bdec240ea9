//! x
pub fn system_type(_a: i16) -> Option<crate::types::TypeRef> {
    None
}
