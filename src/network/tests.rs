//! Properties of hydration.

use std::borrow::ToOwned;
use std::string::ToString;
use std::vec;

use proptest::prelude::*;

use super::*;

const RELEASES: [Release; 2] = [Release::Grizzly, Release::Hibiscus];

fn address() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        any::<[u8; 4]>().prop_map(|[a, b, c, d]| format!("\"{a}.{b}.{c}.{d}\"")),
        any::<[u16; 8]>().prop_map(|segments| format!("\"{}\"", std::net::Ipv6Addr::from(segments))),
        any::<u32>().prop_map(|number| number.to_string()),
    ];
    prop_oneof![4 => text, 1 => Just("null".to_owned()), 1 => Just("\"\"".to_owned())]
}

fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("null"),
        Just("0"),
        Just("4"),
        Just("true"),
        Just("\"\""),
        Just("\"x\""),
        Just("[]"),
        Just("{\"a\":1}")
    ]
    .prop_map(str::to_owned)
}

/// An object with some of these members.
fn mapping(members: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let member = |(name, value): (&'static str, BoxedStrategy<String>)| {
        proptest::option::weighted(0.7, value).prop_map(move |value| value.map(|value| format!("\"{name}\":{value}")))
    };
    let members: Vec<_> = members.into_iter().map(member).collect();
    members.prop_map(|members| format!("{{{}}}", members.into_iter().flatten().collect::<Vec<_>>().join(","))).boxed()
}

fn list(item: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let list = proptest::collection::vec(item, 0..3).prop_map(|items| format!("[{}]", items.join(",")));
    prop_oneof![6 => list, 1 => Just("null".to_owned())].boxed()
}

fn meta() -> BoxedStrategy<String> {
    mapping(vec![("injected", scalar().boxed()), ("address", scalar().boxed()), ("meta", scalar().boxed())])
}

fn ip(more: Vec<(&'static str, BoxedStrategy<String>)>) -> BoxedStrategy<String> {
    let version = prop_oneof![Just("4"), Just("6"), Just("null")].prop_map(str::to_owned).boxed();
    let members =
        vec![("address", address().boxed()), ("type", scalar().boxed()), ("version", version), ("meta", meta())];
    mapping(members.into_iter().chain(more).chain([("unknown", scalar().boxed())]).collect())
}

fn network_info() -> BoxedStrategy<String> {
    let cidr = prop_oneof![Just("\"10.0.0.0/8\""), Just("\"fe80::/10\""), Just("null")].prop_map(str::to_owned).boxed();
    let gateway = || ip(Vec::new());
    let route = mapping(vec![("cidr", scalar().boxed()), ("gateway", gateway()), ("hops", scalar().boxed())]);
    let fixed_ip = ip(vec![("floating_ips", list(gateway()))]);
    let subnet = mapping(vec![
        ("cidr", cidr),
        ("dns", list(prop_oneof![gateway(), Just("null".to_owned())].boxed())),
        ("gateway", gateway()),
        ("ips", list(fixed_ip)),
        ("routes", list(route)),
        ("meta", meta()),
    ]);
    let network = mapping(vec![("label", scalar().boxed()), ("subnets", list(subnet)), ("vlan", scalar().boxed())]);
    let vif = mapping(vec![
        ("id", scalar().boxed()),
        ("details", scalar().boxed()),
        ("active", scalar().boxed()),
        ("network", prop_oneof![4 => network, 1 => Just("null".to_owned())].boxed()),
        ("meta", meta()),
        ("unknown", scalar().boxed()),
    ]);
    list(vif)
}

proptest! {
    #[test]
    fn hydrating_is_idempotent(network_info in network_info()) {
        for release in RELEASES {
            let Ok(once) = NetworkInfo::hydrate(release, &network_info).map(|hydrated| hydrated.to_json()) else {
                // Null is not iterable, so it is not a list of vifs.
                prop_assert_eq!(&network_info, "null");
                continue;
            };
            let twice = NetworkInfo::hydrate(release, &once).map(|hydrated| hydrated.to_json());
            prop_assert_eq!(twice, Ok(once));
        }
    }

    #[test]
    fn any_text_gives_network_info_or_an_error(text in "\\PC{0,40}|[\\[\\]{}\":,0-9a-z. ]{0,40}") {
        for release in RELEASES {
            match NetworkInfo::hydrate(release, &text) {
                Ok(hydrated) => {
                    prop_assert!(Json::parse(&hydrated.to_json()).is_ok());
                }
                Err(error) => prop_assert!(!error.code().is_empty() && !error.message().contains('\n')),
            }
        }
    }
}
