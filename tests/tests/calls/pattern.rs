//! IAM's wildcards.

/// Whether an action is meant by a statement's: case does not matter.
///
/// Source: IAM User Guide, "IAM JSON policy elements: Action".
pub(crate) fn names_action(pattern: &str, action: &str) -> bool {
    matches(pattern.to_lowercase().as_bytes(), action.to_lowercase().as_bytes())
}

/// Whether a resource is meant by a statement's. A `*` goes beyond colons here wherever it stands;
/// on AWS it does so at the end of a segment.
///
/// Source: IAM User Guide, "IAM JSON policy elements: Resource".
pub(crate) fn names_resource(pattern: &str, resource: &str) -> bool {
    assert!(!pattern.contains("${"), "policy variables are not understood here: {pattern}");
    matches(pattern.as_bytes(), resource.as_bytes())
}

/// `*` stands for any text, `?` for any one character.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => {
            matches(rest, text) || text.split_first().is_some_and(|(_, text)| matches(pattern, text))
        }
        ([b'?', pattern @ ..], [_, text @ ..]) => matches(pattern, text),
        ([one, pattern @ ..], [other, text @ ..]) => one == other && matches(pattern, text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("arn:aws:iam::1:policy/drawbridge/grant-*", "arn:aws:iam::1:policy/drawbridge/grant-12", true)]
    #[case("arn:aws:iam::1:policy/drawbridge/grant-*", "arn:aws:iam::1:policy/drawbridge/grant-", true)]
    #[case("arn:aws:iam::1:policy/drawbridge/grant-*", "arn:aws:iam::1:policy/grant-12", false)]
    #[case("arn:aws:iam::*:role/*", "arn:aws:iam::222222222222:role/path/name", true)]
    #[case("arn:aws:iam::*:role/*", "arn:aws:iam::222222222222:user/name", false)]
    #[case("arn:?", "arn:a", true)]
    #[case("arn:?", "arn:", false)]
    #[case("arn:?", "arn:ab", false)]
    #[case("*", "anything", true)]
    #[case("arn:a", "arn:A", false)]
    #[case("table/t", "table/t/index/i", false)]
    #[case("table/t*", "table/t/index/i", true)]
    #[case("", "", true)]
    #[case("a*b*c", "a-b-b-c", true)]
    #[case("a*b*c", "a-c-b", false)]
    fn resources_match_as_in_iam(#[case] pattern: &str, #[case] text: &str, #[case] expected: bool) {
        assert_eq!(names_resource(pattern, text), expected);
    }

    #[rstest]
    #[case("dynamodb:GetItem", "dynamodb:getitem", true)]
    #[case("dynamodb:Get*", "dynamodb:GetItem", true)]
    #[case("dynamodb:GetItem", "dynamodb:GetItems", false)]
    fn actions_match_as_in_iam(#[case] pattern: &str, #[case] text: &str, #[case] expected: bool) {
        assert_eq!(names_action(pattern, text), expected);
    }
}
