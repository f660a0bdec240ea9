//! The kinds of tokens, with PostgreSQL's numbers.

macro_rules! tokens {
    ($($name:ident $number:literal $alias:literal $description:literal;)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(i32)]
        pub enum Token {
            $($name = $number),*
        }

        impl Token {
            pub const ALL: &'static [Token] = &[$(Token::$name),*];

            /// What `ts_token_type` and ALTER TEXT SEARCH CONFIGURATION call it.
            pub fn alias(self) -> &'static str {
                match self {
                    $(Token::$name => $alias),*
                }
            }

            pub fn description(self) -> &'static str {
                match self {
                    $(Token::$name => $description),*
                }
            }
        }
    };
}

tokens! {
    AsciiWord 1 "asciiword" "Word, all ASCII";
    Word 2 "word" "Word, all letters";
    NumWord 3 "numword" "Word, letters and digits";
    Email 4 "email" "Email address";
    Url 5 "url" "URL";
    Host 6 "host" "Host";
    SFloat 7 "sfloat" "Scientific notation";
    Version 8 "version" "Version number";
    HwordNumPart 9 "hword_numpart" "Hyphenated word part, letters and digits";
    HwordPart 10 "hword_part" "Hyphenated word part, all letters";
    HwordAsciiPart 11 "hword_asciipart" "Hyphenated word part, all ASCII";
    Blank 12 "blank" "Space symbols";
    Tag 13 "tag" "XML tag";
    Protocol 14 "protocol" "Protocol head";
    NumHword 15 "numhword" "Hyphenated word, letters and digits";
    AsciiHword 16 "asciihword" "Hyphenated word, all ASCII";
    Hword 17 "hword" "Hyphenated word, all letters";
    UrlPath 18 "url_path" "URL path";
    File 19 "file" "File or path name";
    Float 20 "float" "Decimal notation";
    Int 21 "int" "Signed integer";
    Uint 22 "uint" "Unsigned integer";
    Entity 23 "entity" "XML entity";
}

impl Token {
    pub fn number(self) -> i32 {
        self as i32
    }
}
