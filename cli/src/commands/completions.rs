//! `drawbridge completions`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::exit::Exit;
use crate::failure::{Failure, Result};
use crate::screen::Screen;

/// Prints a script that completes this command line in your shell.
#[derive(Debug, Args)]
#[command(after_help = "\
It goes to standard output, whatever --output says. Where your shell looks for it:
  bash        ~/.local/share/bash-completion/completions/drawbridge (with the package bash-completion)
  zsh         a folder of your $fpath, as _drawbridge, before compinit runs
  fish        ~/.config/fish/completions/drawbridge.fish
  powershell  a line of your $PROFILE: drawbridge completions powershell | Out-String | Invoke-Expression
  elvish      a line of your rc.elv: eval (drawbridge completions elvish | slurp)

Examples:
  drawbridge completions bash > ~/.local/share/bash-completion/completions/drawbridge
  drawbridge completions fish > ~/.config/fish/completions/drawbridge.fish
  source <(drawbridge completions bash)")]
pub struct Completions {
    /// The shell that the script is for
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    /// Does it.
    pub fn run(self, screen: &Screen) -> Result<Exit> {
        screen.write(&self.script()?)?;
        Ok(Exit::Done)
    }

    fn script(&self) -> Result<String> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "drawbridge", &mut script);
        String::from_utf8(script).map_err(|error| {
            Failure::unexpected("the completion script is no text").because(error.to_string())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Format;

    #[test]
    fn every_shell_gets_a_script_of_the_whole_command_line() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish, Shell::PowerShell, Shell::Elvish] {
            let screen = Screen::kept(Format::Json);
            assert_eq!(Completions { shell }.run(&screen).unwrap(), Exit::Done);
            let script = screen.into_kept().output;
            for word in ["submit-role", "reconcile", "completions", "capability", "api-url"] {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
    }
}
