//! `drawbridge customers show`.

use clap::Args;
use comfy_table::Cell;
use serde_json::Value;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Result;
use crate::screen::Screen;
use crate::table::card;
use crate::text::{field, time};

/// Shows one customer.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  drawbridge customers show cus_0199f3c25f7a7d3e8b1c2d3e4f5a6b7c")]
pub struct ShowCustomer {
    /// The customer's id
    #[arg(value_name = "ID", value_parser = super::id)]
    customer_id: String,
}

impl ShowCustomer {
    pub(super) async fn run(self, client: &Client, screen: &Screen) -> Result<Exit> {
        let customer = client.get(&["v1", "customers", &self.customer_id], &[]).await?;
        screen.show(&customer, view)?;
        Ok(Exit::Done)
    }
}

/// A customer as people read it.
pub(super) fn view(customer: &Value) -> String {
    card(vec![
        ("customer", Cell::new(field(customer, "customer_id"))),
        ("name", Cell::new(field(customer, "name"))),
        ("email", Cell::new(field(customer, "email"))),
        ("labels", Cell::new(field(customer, "labels"))),
        ("created", Cell::new(time(customer, "created_at"))),
        ("version", Cell::new(field(customer, "version"))),
    ])
}
