//! Tables without lines: columns that programs can still split, no wider than the terminal.

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, presets};
use serde_json::Value;

use crate::text::field;

/// Blanks between two columns.
const GAP: u16 = 2;

/// A table with a heading for each column. The first column, an id mostly, is never wrapped.
///
/// Of a terminal's width, the first `essential` columns are shown always, and of the rest as many
/// as fit: ids cut into pieces help nobody.
pub fn listing(headings: &[&str], essential: usize, rows: Vec<Vec<Cell>>) -> String {
    let mut table = plain();
    table.set_header(headings.iter().map(|heading| heading.to_uppercase()));
    table.add_rows(rows);
    hide_what_does_not_fit(&mut table, essential);
    finished(table)
}

/// One thing's fields, a line each.
pub fn card(fields: Vec<(&str, Cell)>) -> String {
    let mut table = plain();
    table.add_rows(fields.into_iter().map(|(name, value)| vec![Cell::new(name), value]));
    finished(table)
}

/// The cell of a connection's state, in the colour of how it does.
pub fn state(connection: &Value, coloured: bool) -> Cell {
    let state = field(connection, "state");
    let colour = match state.as_str() {
        "active" => Some(Color::Green),
        "degraded" | "suspended" => Some(Color::Yellow),
        "failed" => Some(Color::Red),
        "verifying" | "offboarding" => Some(Color::Cyan),
        _ => None,
    };
    let is_running = field(connection, "verification") == "running";
    let text = if is_running && state != "verifying" { format!("{state} (verifying)") } else { state };
    match colour.filter(|_| coloured) {
        Some(colour) => Cell::new(text).fg(colour),
        None => Cell::new(text),
    }
}

fn hide_what_does_not_fit(table: &mut Table, essential: usize) {
    let Some(available) = table.width().filter(|width| *width > 0) else { return };
    let mut taken = 0;
    for (index, content) in table.column_max_content_widths().into_iter().enumerate() {
        taken += content + GAP;
        if index >= essential
            && taken > available + GAP
            && let Some(column) = table.column_mut(index)
        {
            column.set_constraint(ColumnConstraint::Hidden);
        }
    }
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

fn finished(mut table: Table) -> String {
    // Terminals of containers and build servers have a width that nobody has set.
    if table.width() == Some(0) {
        table.set_content_arrangement(ContentArrangement::Disabled);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, GAP));
        if index == 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_plain_where_nobody_sees_colours() {
        let row = vec![Cell::new("con_1"), state(&serde_json::json!({"state": "active"}), false)];
        assert_eq!(listing(&["connection", "state"], 2, vec![row]), "CONNECTION  STATE\ncon_1       active");
    }

    #[test]
    fn what_does_not_fit_is_left_out_whole() {
        let shown = |width| {
            let mut table = plain();
            table.set_width(width).set_header(["A", "B", "C"]).add_row(["0123456789", "01234", "0123456789"]);
            hide_what_does_not_fit(&mut table, 1);
            finished(table).lines().next().unwrap().split_whitespace().count()
        };
        assert_eq!([shown(40), shown(29), shown(28), shown(17), shown(16), shown(5)], [3, 3, 2, 2, 1, 1]);
    }

    #[test]
    fn a_terminal_without_a_width_is_wide_enough() {
        let mut table = plain();
        table.set_width(0).add_row(["con_1", "a label of some length", "another"]);
        hide_what_does_not_fit(&mut table, 1);
        assert_eq!(finished(table), "con_1  a label of some length  another");
    }

    #[test]
    fn an_id_is_never_wrapped() {
        let mut table = plain();
        table.set_width(30);
        table.add_row(["con_0123456789abcdef", "a label that takes more than one line"]);
        let text = finished(table);
        assert!(text.lines().next().unwrap().starts_with("con_0123456789abcdef  a"), "{text}");
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= 30), "{text}");
    }
}
