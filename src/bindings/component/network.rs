use std::prelude::v1::*;

use super::exports::nova::compute_utils::network::{Guest, Release};
use super::record::read;
use super::{Component, Result};
use crate::instance::Instance;
use crate::network::NetworkInfo;

impl Guest for Component {
    fn hydrate(release: Release, network_info: String) -> Result<String> {
        Ok(NetworkInfo::hydrate(read(release)?, &network_info)?.to_json())
    }

    fn get_nw_info_for_instance(instance: String) -> Result<String> {
        let mut text = String::new();
        Ok(crate::network::get_nw_info_for_instance(&Instance::parse(&instance)?, &mut text)?.to_json())
    }

    fn get_network_info(instance: String) -> Result<Option<String>> {
        let mut text = String::new();
        let network_info = crate::network::get_network_info(&Instance::parse(&instance)?, &mut text)?;
        Ok(network_info.map(|network_info| network_info.to_json()))
    }
}
