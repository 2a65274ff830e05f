//! Parameters that take one of a few words.

/// Makes such a parameter, and what the SDK calls it: by the same name, unless another is given.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $crate::operations::ec2::words::words! {
            $(#[$doc])* $name as $name { $($(#[$word_doc])* $variant = $word,)* }
        }
    };
    ($(#[$doc:meta])* $name:ident as $sdk:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
        pub(crate) enum $name {
            $($(#[$word_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl From<$name> for aws_sdk_ec2::types::$sdk {
            fn from(word: $name) -> Self {
                match word {
                    $($name::$variant => Self::from($word),)*
                }
            }
        }
    };
}

pub(crate) use words;
