//! Reading a message: `User: … is not authorized to perform: ACTION on resource: RESOURCE`, and then
//! `because no TYPE allows the ACTION action` or `with an explicit deny in a TYPE`, and what follows.

/// So much of a message is read. The longest known is EC2's, whose encoded part comes last.
const LONGEST: usize = 4096;
/// Longest action that is one.
const LONGEST_ACTION: usize = 100;
/// Longest ARN that is told.
const LONGEST_ARN: usize = 200;

/// What follows the sentence that says why, and is of no use to anybody here: the first leads to
/// what only the account's own people may decode, the others to its console.
const TAILS: [&str; 3] =
    ["encoded authorization failure message", "go to https://", "or call the getrequestauthorizationdetails"];

/// What stands before the action. STS used to leave out who it was, and the colon.
const NOT_AUTHORIZED: &str = "not authorized to perform";

/// A type of policy, as IAM tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    Identity,
    Resource,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    Endpoint,
    Trust,
}

impl Policy {
    /// As they stand in messages, in lower case. IAM's document has `sessions policy` once.
    const WORDS: [(&'static str, Self); 9] = [
        ("identity-based policy", Self::Identity),
        ("resource-based policy", Self::Resource),
        ("permissions boundary", Self::Boundary),
        ("session policy", Self::Session),
        ("sessions policy", Self::Session),
        ("service control policy", Self::ServiceControl),
        ("resource control policy", Self::ResourceControl),
        ("vpc endpoint policy", Self::Endpoint),
        ("role trust policy", Self::Trust),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::ServiceControl => "service control policy",
            Self::ResourceControl => "resource control policy",
            Self::Endpoint => "VPC endpoint policy",
            Self::Trust => "role trust policy",
        }
    }

    pub fn with_article(self) -> String {
        match self {
            Self::Identity => format!("an {}", self.name()),
            Self::Trust => format!("the {}", self.name()),
            _ => format!("a {}", self.name()),
        }
    }

    /// The type that `text` begins with, and what follows it.
    fn begins(text: &str) -> Option<(Self, &str)> {
        Self::WORDS.into_iter().find_map(|(words, policy)| {
            let rest = text.strip_prefix(words)?;
            let ends = !rest.starts_with(|next: char| next.is_alphanumeric() || next == '-');
            ends.then_some((policy, rest))
        })
    }
}

/// Whether a statement denies, or none allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deny {
    Implicit,
    Explicit,
}

/// What a message says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Message {
    pub action: Option<String>,
    pub resource: Option<String>,
    pub deny: Option<(Deny, Policy)>,
    /// Whether it says why, be it in words that are not known.
    pub gives_a_reason: bool,
    /// Whether it is KMS's, of a key that is not there or refuses.
    pub names_no_key: bool,
    pub policy_arn: Option<String>,
}

impl Message {
    pub fn read(message: &str) -> Self {
        let text = tidy(message);
        // Lower case in ASCII keeps every byte in its place.
        let lower = text.to_ascii_lowercase();
        let end = TAILS.iter().filter_map(|tail| lower.find(tail)).min().unwrap_or(text.len());
        let (text, lower) = (&text[..end], &lower[..end]);
        let names_no_key = lower
            .contains("the ciphertext refers to a customer master key that does not exist")
            || (lower.contains(": kms:")
                && lower.contains(
                    "because the resource does not exist in this region, no resource-based policies allow \
                         access, or a resource-based policy explicitly denies access",
                ));
        let gives_a_reason = lower.contains(" because ") || lower.contains("explicit deny");
        let known = Self { gives_a_reason, names_no_key, ..Self::default() };
        // EC2 begins with "You are not authorized to perform this operation".
        let mut places = lower.match_indices(NOT_AUTHORIZED).map(|(at, words)| at + words.len());
        let named = places.find_map(|at| {
            let rest = text[at..].trim_start_matches([':', ' ']);
            let (action, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            Some((action_of(action)?, rest))
        });
        let Some((action, rest)) = named else { return known };
        let resource = rest.strip_prefix("on resource: ").and_then(arn_of);
        // Whatever a resource is called, the reason comes last.
        let (deny, policy_arn) = reason(rest, &rest.to_ascii_lowercase());
        Self { action: Some(action), resource, deny, policy_arn, ..known }
    }

    pub fn service(&self) -> Option<&str> {
        Some(self.action.as_ref()?.split_once(':')?.0)
    }

    pub fn is_assume_role(&self) -> bool {
        self.action.as_ref().is_some_and(|action| action.eq_ignore_ascii_case("sts:AssumeRole"))
    }
}

/// The message in one line, as long as it may be.
fn tidy(message: &str) -> String {
    let mut text = String::new();
    for word in message.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if text.len() + 1 + word.len() > LONGEST {
            break;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

fn reason(text: &str, lower: &str) -> (Option<(Deny, Policy)>, Option<String>) {
    const IMPLICIT: &str = "because no ";
    const EXPLICIT: &str = "with an explicit deny in ";
    let last = [(IMPLICIT, Deny::Implicit), (EXPLICIT, Deny::Explicit)]
        .into_iter()
        .filter_map(|(words, deny)| Some((lower.rfind(words)? + words.len(), deny)))
        .max_by_key(|(at, _)| *at);
    let Some((at, deny)) = last else { return (None, None) };
    let words = &lower[at..];
    let found = match deny {
        Deny::Implicit => Policy::begins(words).filter(|(_, rest)| rest.starts_with(" allows ")),
        Deny::Explicit => {
            let found = Policy::begins(without_article(words));
            // "… in a VPC endpoint policy transitively through a service control policy"
            let through = found.and_then(|(_, rest)| rest.strip_prefix(" transitively through "));
            through.map_or(found, |words| Policy::begins(without_article(words)))
        }
    };
    let Some((policy, rest)) = found else { return (None, None) };
    let arn = match deny {
        Deny::Explicit => text[text.len() - rest.len()..].strip_prefix(": ").and_then(arn_of),
        Deny::Implicit => None,
    };
    (Some((deny, policy)), arn)
}

fn without_article(words: &str) -> &str {
    ["a ", "an ", "the "].iter().find_map(|article| words.strip_prefix(article)).unwrap_or(words)
}

fn action_of(word: &str) -> Option<String> {
    let word = word.trim_end_matches(['.', ',']);
    let (service, name) = word.split_once(':')?;
    let sound = word.len() <= LONGEST_ACTION
        && !service.is_empty()
        && service.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric());
    sound.then(|| word.to_owned())
}

/// The ARN that `text` begins with, in quotes or not. One that holds what ARNs of the services here
/// do not, such as a link or a tag, is left out: it is shown to people.
fn arn_of(text: &str) -> Option<String> {
    let word = text.split(' ').next()?.trim_matches('"').trim_end_matches(['.', ',', '"']);
    let sound = word.starts_with("arn:")
        && word.len() <= LONGEST_ARN
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./:*+=,@#".contains(&b))
        && !word.contains("//");
    sound.then(|| word.to_owned())
}
