use super::*;

fn n(text: &str) -> Numeric {
    Numeric::parse(text).unwrap()
}

/// Text goes in and comes out as in PostgreSQL 15, scale included.
#[test]
fn text_round_trips() {
    for (input, output) in [
        ("0", "0"),
        ("-0.00", "0.00"),
        ("123456789.987654321", "123456789.987654321"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e10", "10000000000"),
        ("1.5e-7", "0.00000015"),
        (" NaN ", "NaN"),
        ("-inf", "-Infinity"),
        ("0001.10", "1.10"),
        ("1e-3", "0.001"),
        ("12345e2", "1234500"),
        ("-98765.4321e-2", "-987.654321"),
    ] {
        assert_eq!(n(input).to_string(), output);
        let stored = n(input).to_bytes().unwrap();
        assert_eq!(Numeric::from_bytes(&stored).to_string(), output);
    }
    for bad in ["", "abc", "1e", "1.2.3", "--1", ".", "1 2", "0x10"] {
        assert!(Numeric::parse(bad).is_err(), "{bad}");
    }
}

/// Results and scales of the operations as PostgreSQL 15 gives them.
#[test]
fn operations_keep_postgres_scales() {
    assert_eq!(n("1").div(&n("3")).unwrap().to_string(), "0.33333333333333333333");
    assert_eq!(n("10").div(&n("4")).unwrap().to_string(), "2.5000000000000000");
    assert_eq!(n("1.5").mul(&n("-2.25")).to_string(), "-3.375");
    assert_eq!(n("100").sub(&n("0.001")).to_string(), "99.999");
    assert_eq!(n("2").sqrt().unwrap().to_string(), "1.414213562373095");
    assert_eq!(n("1").exp().unwrap().to_string(), "2.7182818284590452");
    assert_eq!(n("2").ln().unwrap().to_string(), "0.6931471805599453");
    assert_eq!(n("2").power(&n("0.5")).unwrap().to_string(), "1.4142135623730950");
    assert_eq!(n("7").rem(&n("-3")).unwrap().to_string(), "1");
}

/// Keys sort as values do.
#[test]
fn keys_keep_the_order() {
    let sorted = [
        "-Infinity",
        "-1e20",
        "-10000",
        "-9999.5",
        "-1",
        "-0.0001",
        "0",
        "0.0001",
        "0.00011",
        "1",
        "9999",
        "10000",
        "10000.1",
        "1e30",
        "Infinity",
        "NaN",
    ];
    let keys: Vec<Vec<u8>> = sorted
        .iter()
        .map(|t| {
            let mut key = Vec::new();
            Numeric::encode_key(&n(t).to_bytes().unwrap(), &mut key);
            key
        })
        .collect();
    assert!(keys.is_sorted());
}

/// Every weight, scale and sign comes back from the stored form; what fits takes the short header.
#[test]
fn heads_round_trip() {
    let weights = [0, 1, -1, 62, 63, 64, -63, -64, -65, 127, 128, -129, MAX_WEIGHT, i16::MIN.into()];
    for weight in weights {
        for dscale in [0, 1, 62, 63, 64, 127, 128, 1000, MAX_SCALE] {
            for neg in [false, true] {
                let digits = Digits::from_slice(&[1, 9999, 10]);
                let bytes =
                    Numeric { kind: Kind::Finite, neg, weight, dscale, digits: digits.clone() }.to_bytes().unwrap();
                let n = Numeric::from_bytes(&bytes);
                assert_eq!((n.kind, n.neg, n.weight, n.dscale, n.digits), (Kind::Finite, neg, weight, dscale, digits));
                let short = (-64..=63).contains(&weight) && dscale <= 63;
                assert_eq!(bytes.len(), if short { 8 } else { 10 }, "{weight} {dscale}");
            }
        }
    }
    for kind in [Kind::NaN, Kind::PosInf, Kind::NegInf] {
        assert_eq!(Numeric::from_bytes(&Numeric::special(kind).to_bytes().unwrap()).kind, kind);
    }
}
