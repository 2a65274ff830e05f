//! Black-box tests against a deployed stack.

mod onboarding;
