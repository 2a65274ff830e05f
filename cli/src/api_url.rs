//! Where the API is.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;

/// What stays as it is in a path segment or a query. Source: RFC 3986, section 2.3.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The address that every path is appended to. It may have a path of its own, such as a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl(Url);

impl std::str::FromStr for ApiUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| format!("not a URL ({error})"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("not an http or https URL with a host".to_owned());
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err("it has a query or a fragment; the API's address has neither".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("it has a user name or password; requests are signed with AWS credentials".to_owned());
        }
        Ok(Self(url))
    }
}

impl ApiUrl {
    /// The URL of a resource. Segments and query values are encoded here, and nowhere else.
    ///
    /// What the base holds stays as it is, a `$` of a stage called `$default` among it.
    pub fn at(&self, segments: &[&str], query: &[(&str, String)]) -> Result<Url, String> {
        let own = self.0.path().split('/').filter(|segment| !segment.is_empty()).map(str::to_owned);
        let more = segments.iter().map(|segment| encoded(segment));
        let path = own.chain(more).collect::<Vec<_>>().join("/");
        let mut url = self.0.clone();
        url.set_path(&path);
        if !query.is_empty() {
            let pairs: Vec<_> =
                query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
            url.set_query(Some(&pairs.join("&")));
        }
        // URLs lose the segments `.` and `..`, encoded or not: another resource would be asked for.
        if url.path().trim_start_matches('/') != path {
            return Err(format!("{path:?} is not the path of a resource"));
        }
        Ok(url)
    }

    /// The Region in an API Gateway host name, `{api}.execute-api.{region}.amazonaws.com`: the only
    /// one that a request to it can be signed for.
    pub fn region(&self) -> Option<&str> {
        let host = self.0.host_str()?;
        let (_, rest) = host.split_once(".execute-api.")?;
        rest.strip_suffix(".amazonaws.com.cn")
            .or_else(|| rest.strip_suffix(".amazonaws.com"))
            .filter(|region| !region.contains('.'))
    }

    /// The host and port that are connected to.
    pub fn host_and_port(&self) -> (&str, u16) {
        let host = self.0.host_str().unwrap_or_default().trim_matches(['[', ']']);
        (host, self.0.port_or_known_default().unwrap_or(443))
    }

    /// Whether others on the way can read what is sent.
    pub fn is_readable(&self) -> bool {
        self.0.scheme() == "http" && !self.is_loopback()
    }

    /// Whether it is this machine, which no proxy leads to.
    pub fn is_loopback(&self) -> bool {
        let host = self.0.host_str().unwrap_or_default();
        host == "localhost"
            || host.ends_with(".localhost")
            || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

impl std::fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(text: &str) -> ApiUrl {
        text.parse().unwrap()
    }

    #[test]
    fn paths_are_appended_and_encoded() {
        let api = api("http://127.0.0.1:4566/_aws/execute-api/abc/$default/");
        let url = api.at(&["v1", "connections", "a/b ü?"], &[("cursor", "x+y=&z".to_owned())]).unwrap();
        assert_eq!(
            url.as_str(),
            "http://127.0.0.1:4566/_aws/execute-api/abc/$default/v1/connections/a%2Fb%20%C3%BC%3F\
             ?cursor=x%2By%3D%26z"
        );
    }

    #[test]
    fn no_id_leads_elsewhere() {
        let api = api("https://api.example.com");
        for id in [".", "..", "%2e%2e"] {
            let url = api.at(&["v1", "connections", id], &[]);
            assert!(url.is_err() || url.unwrap().path() == "/v1/connections/%252e%252e", "{id}");
        }
    }

    #[test]
    fn the_region_of_a_gateway_is_in_its_name() {
        let region = |text| api(text).region().map(str::to_owned);
        assert_eq!(
            region("https://a1b2.execute-api.eu-central-1.amazonaws.com"),
            Some("eu-central-1".into())
        );
        assert_eq!(
            region("https://a1b2.execute-api.cn-north-1.amazonaws.com.cn/prod"),
            Some("cn-north-1".into())
        );
        assert_eq!(region("https://a1b2.execute-api.localhost:4566"), None);
        assert_eq!(region("https://api.example.com"), None);
    }

    #[test]
    fn what_cannot_be_an_api_is_refused() {
        for text in ["", "api.example.com", "ftp://example.com", "https://e.com?x=1", "https://u:p@e.com"] {
            assert!(text.parse::<ApiUrl>().is_err(), "{text}");
        }
        assert!(api("http://127.0.0.1:1").is_loopback() && api("http://[::1]:1").is_loopback());
        assert!(!api("https://api.example.com").is_loopback());
    }
}
