//! The command at a terminal: colours and live progress, and neither where nobody wants them.

use std::process::Command;

use blackbox::{Api, CustomerAccount, Stack};

use crate::command_line::{assert_told, command, drawbridge, printed};

/// Runs a command at a terminal of its own, and prints what that would show.
const AT_A_TERMINAL: &str = "
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 200, 0, 0))
    os.execv(sys.argv[1], sys.argv[1:])
while True:
    try:
        shown = os.read(terminal, 4096)
    except OSError:
        break
    if not shown:
        break
    sys.stdout.buffer.write(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

/// What every escape code begins with.
const ESCAPE: char = '\u{1b}';

/// A terminal that knows colours.
const TERM: &str = "xterm-256color";

/// Who sets this wants none.
const UNWANTED: (&str, &str) = ("NO_COLOR", "1");

/// What a terminal of this kind is told by the command, with further variables in the environment.
fn at_a_terminal(arguments: &[&str], term: &str, variables: &[(&str, &str)]) -> String {
    let there = command(&Stack::get().operator, arguments);
    let mut python = Command::new("python3");
    python.args(["-c", AT_A_TERMINAL]).arg(there.get_program()).args(there.get_args()).env_clear();
    python.envs(there.get_envs().filter_map(|(name, value)| Some((name, value?))));
    // What finds Python, which may be a link that looks in the home folder.
    for name in ["PATH", "HOME"] {
        python.env(name, std::env::var_os(name).unwrap_or_default());
    }
    python.env("TERM", term).envs(variables.iter().copied());
    let output = python.output().unwrap_or_else(|error| panic!("python3, which the tests need: {error}"));
    printed(&output, 0).0
}

#[tokio::test]
async fn colours_and_live_progress_are_for_terminals_where_they_are_wanted() {
    let (api, keys) = (Api::operator(), &Stack::get().operator);
    let (active, _) = api.active_connection(&CustomerAccount::new()).await;
    let [id, customer] = ["connection_id", "customer_id"].map(|name| active[name].as_str().unwrap());

    let list = ["connections", "list", "--customer", customer];
    let coloured = at_a_terminal(&list, TERM, &[]);
    assert_told(&coloured, &[id, "\u{1b}[", "active", "\u{1b}["]);
    assert_eq!(at_a_terminal(&list, TERM, &[("NO_COLOR", "")]), coloured, "an empty variable says nothing");
    let plain = at_a_terminal(&list, TERM, &[UNWANTED]);
    assert_told(&plain, &[id, "active"]);
    let (piped, _) = printed(&drawbridge(keys, &list), 0);
    let json = at_a_terminal(&[&list[..], &["--output", "json"]].concat(), TERM, &[]);
    for text in [plain, at_a_terminal(&list, "dumb", &[]), piped, json] {
        assert!(!text.contains(ESCAPE), "{text:?}");
    }

    let verify = ["connections", "verify", id, "--watch"];
    let live = at_a_terminal(&verify, TERM, &[]);
    // A line that is drawn anew, and those above it that stay.
    assert_told(&live, &["\u{1b}[", "round 2: a random external ID: denied", "active"]);
    let still = at_a_terminal(&verify, TERM, &[UNWANTED]);
    assert_told(&still, &["s  round 1", "round 2: a random external ID: denied", "active"]);
    assert!(!still.contains(ESCAPE), "{still:?}");

    let help = at_a_terminal(&["--help"], TERM, &[]);
    assert!(help.contains(ESCAPE), "{help:?}");
    let help = at_a_terminal(&["--help"], TERM, &[UNWANTED]);
    assert!(help.contains("NO_COLOR") && !help.contains(ESCAPE), "{help:?}");
}
