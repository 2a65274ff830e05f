//! stub
use jiff::Timestamp;
use crate::expression::Timezone;
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Retention { pub keep_last: Option<u32>, pub max_age_days: Option<u32> }
pub struct Candidate<I>{pub id:I,pub created_at:Timestamp,pub good:bool}
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all="snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum KeepReason{Last}
pub struct Decision<I>{pub id:I,pub keep:bool,pub reasons:Vec<KeepReason>}
impl Retention{ pub fn decide<I:Clone+Ord>(&self,_b:&[Candidate<I>],_z:&Timezone,_n:Timestamp)->Vec<Decision<I>>{vec![]} }
