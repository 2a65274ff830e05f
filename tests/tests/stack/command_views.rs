//! What the command prints of customers, connections and grants, as people read it.

use blackbox::{Api, CustomerAccount, Provider, Stack};

use crate::command_line::{assert_told, drawbridge, printed, words};

/// The line of a table that begins with this id.
fn line<'a>(table: &'a str, id: &str) -> &'a str {
    table.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{id} is not listed: {table}"))
}

#[tokio::test]
async fn customers_and_their_connections_are_listed_and_shown() {
    let (api, keys, account) = (Api::operator(), &Stack::get().operator, CustomerAccount::new());
    let run = |arguments: &[&str]| printed(&drawbridge(keys, arguments), 0);
    let name = format!("Acme {}", account.id);
    let labels = ["--email", "ops@acme.example", "--label", "tier=gold", "--label", "since=2019"];
    let (made, _) = run(&[&["customers", "create", "--name", &name][..], &labels].concat());
    let made = words(&made);
    let customer = made.split(' ').find(|word| word.starts_with("cus_")).expect("an id");

    let (list, said) = run(&["customers", "list", "--all"]);
    assert_eq!(words(list.lines().next().unwrap()), "CUSTOMER NAME EMAIL LABELS CREATED");
    assert!(!said.contains("there are more"), "{said}");
    let row = words(line(&list, customer));
    assert_told(&row, &[customer, &name, "ops@acme.example", "since=2019", "tier=gold", "20"]);
    let (page, said) = run(&["customers", "list", "--limit", "1"]);
    assert_eq!(page.lines().count(), 2, "{page}");
    // Another's customer may be the only other one; this one and it are two.
    api.new_customer().await;
    let (_, later) = run(&["customers", "list", "--limit", "1"]);
    assert!(later.contains("--all fetches them"), "{said}{later}");

    let (shown, _) = run(&["customers", "show", customer]);
    let shown = words(&shown);
    let fields =
        ["customer", customer, "name", &name, "email ops@acme.example labels", "created 20", "version 1"];
    assert_told(&shown, &fields);

    let (none, _) = run(&["connections", "list", "--customer", customer]);
    assert_eq!(
        words(&none),
        "CONNECTION STATE ACCOUNT LABEL CUSTOMER CAPABILITIES REGIONS UPDATED",
        "the headings alone"
    );
    let wanted = ["--capability", "ec2-power", "--region", "us-east-1", "--label", "production"];
    let (made, _) = run(&[&["connections", "create", "--customer", customer][..], &wanted].concat());
    let made = words(&made);
    let id = made.split(' ').find(|word| word.starts_with("con_")).expect("an id");
    let (list, _) = run(&["connections", "list", "--customer", customer]);
    let row = words(line(&list, id));
    assert!(row.starts_with(&format!("{id} pending_role - production {customer} ec2-")), "{row}");
    assert_told(&row, &["ec2-power", "us-east-1", "20"]);

    // A role and its state show up in the same list, but for a state that it is not in.
    let connection = api.get(&format!("/v1/connections/{id}")).await.expect(200);
    let role = account.make_role("r", &api.setup(&connection).await["trust_policy"]).await;
    assert_eq!(api.onboard(&connection, &role).await["state"], "active");
    let (list, _) = run(&["connections", "list", "--customer", customer, "--state", "active"]);
    let begin = format!("{id} active {} production {customer}", account.id);
    assert!(words(line(&list, id)).starts_with(&begin), "{list}");
    let secret = connection["external_id"].as_str().expect("the API tells it");
    assert!(!list.contains(secret), "the external ID is no column");
    let (others, _) = run(&["connections", "list", "--customer", customer, "--state", "failed"]);
    assert_eq!(others.lines().count(), 1, "{others}");
}

#[tokio::test]
async fn grants_are_shown_and_looked_at_beside_others_that_change_them() {
    let (api, keys, account) = (Api::operator(), &Stack::get().operator, CustomerAccount::new());
    let (_, role) = api.active_connection(&account).await;
    let granted = Provider::new().items(&format!("ROLE#{role}")).await["GRANT"].clone();
    let grant = format!("grant-{} ", granted["shard"].as_n().unwrap());

    let (shown, _) = printed(&drawbridge(keys, &["grants", "show"]), 0);
    let told = words(&shown);
    let head = ["brokers 1 grants per broker 10 characters per grant 6144 used ", " %"];
    assert_told(&told, &[&head[..], &["GRANT BROKER ROLES CHARACTERS PUBLISHED", &grant]].concat());
    let row = words(line(&shown, &grant));
    let [_, broker, roles, characters, published] = row.split(' ').collect::<Vec<_>>()[..] else {
        panic!("five columns: {row}")
    };
    assert_eq!(broker, "1");
    assert!(roles.parse::<u32>().unwrap() >= 1, "{row}");
    assert!(characters.parse::<usize>().unwrap() > role.len(), "{row}");
    // While others' roles come and go, it is published a moment later.
    assert!(["yes", "no"].contains(&published), "{row}");

    // Others' roles that come and go meanwhile may be found between the table and IAM.
    let found = drawbridge(keys, &["grants", "reconcile", "--dry-run"]);
    let wrong = found.status.code() == Some(4);
    let (answer, said) = printed(&found, if wrong { 4 } else { 0 });
    assert_told(&words(&answer), &["connection", "grant", "looked at: "]);
    if wrong {
        assert_told(&answer, &["finding", "FINDING", "SUBJECT", "WHAT IS WRONG", "WOULD DO"]);
        assert!(said.contains("`drawbridge grants reconcile` mends this"), "{said}");
    } else {
        assert!(answer.contains("nothing is wrong"), "{answer}");
        assert!(said.contains("there is nothing to mend"), "{said}");
    }
}
