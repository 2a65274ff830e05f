//! `drawbridge customers create`.

use clap::Args;
use serde_json::{Map, Value, json};

use super::show_customer::view;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;

/// Makes a customer.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drawbridge customers create --name 'Acme Ltd'
  drawbridge customers create --name 'Acme Ltd' --email ops@acme.example --label tier=gold --label region=eu")]
pub struct CreateCustomer {
    /// What people call the customer
    #[arg(long)]
    name: String,
    /// Where the customer can be reached
    #[arg(long)]
    email: Option<String>,
    /// A label; may be given several times
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
}

impl CreateCustomer {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let customer = client.post(&["v1", "customers"], Some(&self.body()?)).await?;
        screen.show(&customer, view)?;
        Ok(Exit::Done)
    }

    fn body(self) -> Result<Value> {
        let mut body = Map::from_iter([("name".to_owned(), json!(self.name))]);
        body.extend(self.email.map(|email| ("email".to_owned(), json!(email))));
        let mut labels = Map::new();
        for (key, value) in self.labels {
            if labels.insert(key.clone(), json!(value)).is_some() {
                return Err(Failure::usage(format!("the label {key:?} is given twice")));
            }
        }
        if !labels.is_empty() {
            body.insert("labels".to_owned(), labels.into());
        }
        Ok(body.into())
    }
}

fn label(text: &str) -> std::result::Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a label is written key=value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(email: Option<&str>, labels: &[&str]) -> Result<Value> {
        let labels = labels.iter().map(|text| label(text).unwrap()).collect();
        CreateCustomer { name: "Acme".to_owned(), email: email.map(str::to_owned), labels }.body()
    }

    #[test]
    fn only_what_was_given_is_sent() {
        assert_eq!(body(None, &[]).unwrap(), json!({"name": "Acme"}));
        assert_eq!(
            body(Some("a@b"), &["tier=gold", "note=a=b", "empty="]).unwrap(),
            json!({"name": "Acme", "email": "a@b", "labels": {"tier": "gold", "note": "a=b", "empty": ""}})
        );
        assert_eq!(body(None, &["a=1", "a=2"]).unwrap_err().exit, Exit::Usage);
    }
}
