use super::Component;
use super::exports::nova::compute_utils::{network, types};
use crate::instance::Instance;
use crate::network::NetworkInfo;

impl network::Guest for Component {
    fn hydrate(release: types::Release, network_info: String) -> Result<String, types::Error> {
        Ok(NetworkInfo::hydrate(release.into(), &network_info)?.to_json())
    }

    fn get_nw_info_for_instance(instance: String) -> Result<String, types::Error> {
        let mut text = String::new();
        Ok(crate::network::get_nw_info_for_instance(&Instance::parse(&instance)?, &mut text)?.to_json())
    }

    fn get_network_info(instance: String) -> Result<Option<String>, types::Error> {
        let mut text = String::new();
        let network_info = crate::network::get_network_info(&Instance::parse(&instance)?, &mut text)?;
        Ok(network_info.map(|network_info| network_info.to_json()))
    }
}
