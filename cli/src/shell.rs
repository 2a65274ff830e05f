//! Words as a shell reads them.

/// A word between single quotes, where a shell reads nothing into it.
///
/// No space comes right before `#` or `;`: some of AWS's tools take that for the beginning of a comment
/// in their configuration file. Source: AWS SDKs and Tools Reference Guide, "Shared config and
/// credentials files", "Format of the config file".
pub fn quoted(word: &str) -> String {
    let mut text = String::from("'");
    let mut after_space = false;
    for c in word.chars() {
        match c {
            '\'' => text.push_str(r"'\''"),
            '#' | ';' if after_space => text.extend(["''", c.encode_utf8(&mut [0; 4])]),
            c => text.push(c),
        }
        after_space = c.is_whitespace();
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_word_back() {
        for word in ["a", "", "two words", "it's", "$HOME `x` \"y\" \\", "ticket #12 ;x", "# 'a' #"] {
            let printed = std::process::Command::new("sh")
                .args(["-c", &format!("printf %s {}", quoted(word))])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(printed.stdout).unwrap(), word);
            assert!(!quoted(word).contains(" #") && !quoted(word).contains(" ;"));
        }
    }
}
