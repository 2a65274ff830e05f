use super::*;
use rstest::rstest;

/// A PNG of one pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

fn known(name: &str) -> Option<String> {
    let value = match name {
        "PROVIDER_NAME" => "Acme & Söhne",
        "PROVIDER_COLOUR" => "#1D4ED8",
        "PROVIDER_LOGO" => PNG,
        _ => return None,
    };
    Some(value.to_owned())
}

#[test]
fn a_brand_is_read() {
    let brand = Brand::from_environment(&Environment::new(&known)).unwrap();
    assert_eq!((brand.name.to_string(), brand.name.initial()), ("Acme & Söhne".to_owned(), "A".to_owned()));
    assert_eq!(brand.colour.to_string(), "#1d4ed8");
    assert_eq!(brand.logo.unwrap().format.media_type(), "image/png");
    let without = |name: &str| known(name).filter(|_| name != "PROVIDER_LOGO");
    assert!(Brand::from_environment(&Environment::new(&without)).unwrap().logo.is_none());
}

#[rstest]
#[case::no_name("PROVIDER_NAME", "")]
#[case::two_lines("PROVIDER_NAME", "a\nb")]
#[case::long("PROVIDER_NAME", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
#[case::no_colour("PROVIDER_COLOUR", "red")]
#[case::a_drawing("PROVIDER_LOGO", "PHN2Zz48L3N2Zz4=")]
#[case::no_base64("PROVIDER_LOGO", "https://example.com/logo.png")]
fn what_is_wrong_is_named_at_start(#[case] name: &str, #[case] value: &str) {
    let broken = |asked: &str| if asked == name { Some(value.to_owned()) } else { known(asked) };
    let error = Brand::from_environment(&Environment::new(&broken)).unwrap_err();
    assert!(error.to_string().contains(name), "{error}");
}

#[rstest]
#[case("acme", "A")]
#[case("  \"7 Seas\"", "7")]
#[case("ß", "SS")]
#[case("…", "•")]
fn a_name_has_an_initial(#[case] name: &str, #[case] initial: &str) {
    assert_eq!(ProviderName(name.to_owned()).initial(), initial);
}
