//! Network info: hydrating gives JSON, and hydrating that JSON again changes nothing.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nova_compute_utils::Release;
use nova_compute_utils::network::NetworkInfo;

fuzz_target!(|text: &str| {
    for release in [Release::Grizzly, Release::Hibiscus] {
        if let Ok(network_info) = NetworkInfo::hydrate(release, text) {
            let json = network_info.to_json();
            let again = NetworkInfo::hydrate(release, &json).expect("hydrated network info hydrates");
            assert_eq!(again.to_json(), json);
        }
    }
});
