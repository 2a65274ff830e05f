//! stub
use std::collections::BTreeMap;
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Selection { #[serde(default)] pub names: Vec<String> }
impl Selection { pub fn wants_name(&self,_n:&str)->bool{true} pub fn wants_tags(&self,_t:&BTreeMap<String,String>)->bool{true} pub fn needs_tags(&self)->bool{false} }
