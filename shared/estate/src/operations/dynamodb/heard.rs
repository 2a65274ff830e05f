//! AWS's answers as they stand: under its own names, and with what it may add to them one day.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use serde_json::Value;

/// Keeps the body of one answer.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Value>>);

impl fmt::Debug for Heard {
    /// What was heard may be in the customer's tables.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heard")
    }
}

impl Heard {
    /// The body of the answer; null if it had none.
    pub(crate) fn take(&self) -> Value {
        let mut heard = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        write_times(&mut heard);
        heard
    }
}

impl Intercept for Heard {
    fn name(&self) -> &'static str {
        "Heard"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().and_then(|body| serde_json::from_slice(body).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body.unwrap_or_default();
        Ok(())
    }
}

/// Times are seconds since 1970 on the wire, and RFC 3339 with all of Drawbridge's. Items are not
/// touched: no attribute's value is a bare number.
fn write_times(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                match value.as_f64() {
                    Some(seconds) if name.ends_with("DateTime") => {
                        if let Ok(time) = rounded(seconds).fmt(DateTimeFormat::DateTime) {
                            *value = Value::String(time);
                        }
                    }
                    _ => write_times(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(write_times),
        _ => {}
    }
}

/// To the millisecond, which is what `DynamoDB` tells; half of one more, for what is cut off.
fn rounded(seconds: f64) -> DateTime {
    let time = DateTime::from_secs_f64(seconds + 0.000_5);
    time.to_millis().map_or(time, DateTime::from_millis)
}

/// Sends a request; gives what the SDK made of the answer, and the answer.
macro_rules! asked {
    ($request:expr) => {{
        let heard = $crate::operations::dynamodb::heard::Heard::default();
        let answer = $request.customize().interceptor(heard.clone()).send().await;
        (answer, heard.take())
    }};
}

/// Sends a request about these targets, and tells what AWS answered.
macro_rules! told {
    ($request:expr, $targets:expr) => {{
        let (answer, output) = $crate::operations::dynamodb::heard::asked!($request);
        match answer {
            Ok(answer) => $crate::operations::Outcome::done($targets, output, &answer),
            Err(error) => $crate::operations::Outcome::refused($targets, &error),
        }
    }};
}

pub(crate) use {asked, told};
