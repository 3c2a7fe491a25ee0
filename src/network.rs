//! The network model: the hydrated form of an instance's network info cache. Nova: `nova.network.model`.
//!
//! Hydrating adds the fields that a structure lacks, infers missing IP versions from addresses and networks, and moves
//! unknown keys into `meta`.

mod address;
#[cfg(test)]
mod tests;

use alloc::borrow::{Cow, ToOwned};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) use address::ipv6_text;

use crate::document::{Json, Object, ObjectWriter, list_json};
use crate::error::Error;
use crate::instance::Instance;
use crate::release::Release;

/// A list of vifs. Nova: `NetworkInfo`.
///
/// ```
/// use nova_compute_utils::{Release, network::NetworkInfo};
///
/// let cache = r#"[{"network": {"label": "private", "subnets": [{"ips": [{"address": "10.0.0.4"}]}]}}]"#;
/// let network_info = NetworkInfo::hydrate(Release::Hibiscus, cache)?;
/// let vif = &network_info.vifs[0];
/// assert_eq!(vif.vnic_type().map(|value| value.as_str()), Some(r#""normal""#));
/// assert_eq!(vif.fixed_ips().next().map(|ip| ip.version()), Some("4"));
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkInfo<'a> {
    /// The vifs, in order.
    pub vifs: Vec<Vif<'a>>,
}

/// A virtual interface. Nova: `VIF`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vif<'a> {
    fields: Vec<(&'static str, Json<'a>)>,
    /// The network of the interface.
    pub network: Option<Network<'a>>,
    /// All other keys.
    pub meta: Object<'a>,
}

/// A network. Nova: `Network`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network<'a> {
    /// The id.
    pub id: Json<'a>,
    /// The bridge on the host.
    pub bridge: Json<'a>,
    /// The name.
    pub label: Json<'a>,
    /// The subnets, in order.
    pub subnets: Vec<Subnet<'a>>,
    /// All other keys.
    pub meta: Object<'a>,
}

/// A subnet. Nova: `Subnet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet<'a> {
    /// The address range, such as `10.0.0.0/24`.
    pub cidr: Json<'a>,
    /// The name servers; `None` for an empty entry of the cache.
    pub dns: Vec<Option<Ip<'a>>>,
    /// The default gateway.
    pub gateway: Option<Ip<'a>>,
    /// The addresses of the instance in this subnet.
    pub ips: Vec<FixedIp<'a>>,
    /// The static routes.
    pub routes: Vec<Route<'a>>,
    version: Version<'a>,
    /// All other keys.
    pub meta: Object<'a>,
}

/// A static route. Nova: `Route`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route<'a> {
    /// The destination.
    pub cidr: Json<'a>,
    /// The next hop.
    pub gateway: Option<Ip<'a>>,
    /// The outgoing interface.
    pub interface: Json<'a>,
    /// All other keys.
    pub meta: Object<'a>,
}

/// An address. Nova: `IP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ip<'a> {
    /// The address itself.
    pub address: Json<'a>,
    /// The kind of address: `fixed`, `floating`, `gateway`, `dns`.
    pub r#type: Json<'a>,
    version: Version<'a>,
    /// All other keys.
    pub meta: Object<'a>,
}

/// An address of an instance in a subnet. Nova: `FixedIP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedIp<'a> {
    /// The address.
    pub ip: Ip<'a>,
    /// The floating addresses that map to it; `None` for an empty entry of the cache.
    pub floating_ips: Vec<Option<Ip<'a>>>,
}

/// The IP version of a structure as JSON, taken from the cache or inferred.
type Version<'a> = Cow<'a, str>;

const VIF_FIELDS: [(&str, Json<'static>); 7] = [
    ("id", Json::NULL),
    ("address", Json::NULL),
    ("type", Json::NULL),
    ("devname", Json::NULL),
    ("ovs_interfaceid", Json::NULL),
    ("qbh_params", Json::NULL),
    ("qbg_params", Json::NULL),
];

const MODERN_VIF_FIELDS: [(&str, Json<'static>); 6] = [
    ("details", Json::EMPTY_OBJECT),
    ("active", Json::FALSE),
    ("vnic_type", Json::constant("\"normal\"")),
    ("profile", Json::NULL),
    ("preserve_on_delete", Json::FALSE),
    ("delegate_create", Json::FALSE),
];

impl<'a> NetworkInfo<'a> {
    /// Returns a list of vifs with everything that a cache leaves out, from the JSON text of the cache. Nova:
    /// `NetworkInfo.hydrate`.
    ///
    /// Fails with `ValueError` (`JSONDecodeError` in `hibiscus`) when the text is not JSON, with `TypeError` or
    /// `AttributeError` when a structure has the wrong type, and with `InvalidIpAddressError` or `AddrFormatError` when
    /// the version of an address or network cannot be inferred.
    pub fn hydrate(release: Release, json: &'a str) -> Result<Self, Error> {
        let not_json = |error: Error| Error::new(release.rules().not_json, error.message());
        Ok(Self { vifs: hydrate_list(release, Json::parse(json).map_err(not_json)?, Vif::hydrate)? })
    }

    /// Returns the hydrated network info as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        list_json(self.vifs.iter().map(Vif::to_json))
    }
}

/// Returns the hydrated network info of an instance's cache. Nova: `get_nw_info_for_instance` in `grizzly`.
///
/// An empty cache, null included, gives an empty list. Fails with `KeyError` when the instance has no `info_cache`,
/// with `AttributeError` when that is not a mapping, and as [`NetworkInfo::hydrate`] does.
///
/// The function stores the text of the cache in `text`; the result borrows from it.
///
/// ```
/// use nova_compute_utils::{instance::Instance, network};
///
/// let instance = Instance::parse(r#"{"info_cache": {"network_info": "[{\"address\": \"fa:16:3e:00:00:01\"}]"}}"#)?;
/// let mut text = String::new();
/// let network_info = network::get_nw_info_for_instance(&instance, &mut text)?;
/// assert_eq!(network_info.vifs[0].address().as_str(), r#""fa:16:3e:00:00:01""#);
/// # Ok::<(), nova_compute_utils::Error>(())
/// ```
pub fn get_nw_info_for_instance<'t>(instance: &Instance<'_>, text: &'t mut String) -> Result<NetworkInfo<'t>, Error> {
    if instance.info_cache.is_none() && instance.columns()?.get("info_cache").is_none() {
        return Err(Error::key("the instance has no `info_cache`"));
    }
    match cached_network_info(instance)?.filter(|network_info| network_info.is_truthy()) {
        None => Ok(NetworkInfo::default()),
        Some(network_info) => {
            *text = network_info.text()?.unwrap_or(Cow::Borrowed(network_info.as_str())).into_owned();
            NetworkInfo::hydrate(Release::Grizzly, text)
        }
    }
}

/// Returns the member `network_info` of an instance's cache; `None` when the cache is empty or lacks it.
pub(crate) fn cached_network_info<'a>(instance: &Instance<'a>) -> Result<Option<Json<'a>>, Error> {
    match instance.info_cache.filter(|info_cache| info_cache.is_truthy()) {
        None => Ok(None),
        Some(info_cache) => Ok(mapping(Release::Grizzly, info_cache, "`info_cache`")?.get("network_info")),
    }
}

/// Returns the hydrated network info of an instance's cache; `None` when the cache contains null. Nova:
/// `Instance.get_network_info` of `hibiscus`.
///
/// An absent cache gives an empty list. Fails with `KeyError` when the cache lacks `network_info`, with `ValueError`
/// when that is not a string, and as [`NetworkInfo::hydrate`] does.
///
/// The function stores the text of the cache in `text`; the result borrows from it.
pub fn get_network_info<'t>(instance: &Instance<'_>, text: &'t mut String) -> Result<Option<NetworkInfo<'t>>, Error> {
    let Some(info_cache) = instance.info_cache else {
        return Ok(Some(NetworkInfo::default()));
    };
    let info_cache = Object::from_json(info_cache)?;
    let network_info =
        info_cache.get("network_info").ok_or_else(|| Error::key("the info cache has no `network_info`"))?;
    if network_info.is_null() {
        return Ok(None);
    }
    *text = network_info
        .text()?
        .ok_or_else(|| Error::value("A NetworkModel is required in field network_info"))?
        .into_owned();
    NetworkInfo::hydrate(Release::Hibiscus, text).map(Some)
}

impl<'a> Vif<'a> {
    /// Returns the id of the port.
    #[must_use]
    pub fn id(&self) -> Json<'a> {
        self.field("id").unwrap_or(Json::NULL)
    }

    /// Returns the MAC address.
    #[must_use]
    pub fn address(&self) -> Json<'a> {
        self.field("address").unwrap_or(Json::NULL)
    }

    /// Returns the name of the device on the host.
    #[must_use]
    pub fn devname(&self) -> Json<'a> {
        self.field("devname").unwrap_or(Json::NULL)
    }

    /// Returns Nova's `vnic_type`, such as `normal` or `direct`; `None` in `grizzly`, which has this key in `meta`.
    #[must_use]
    pub fn vnic_type(&self) -> Option<Json<'a>> {
        self.field("vnic_type")
    }

    /// Returns a field by its name in Nova; `None` for `network`, `meta` and unknown names.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Json<'a>> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value)
    }

    /// Returns the addresses in all subnets of the network, in order.
    pub fn fixed_ips(&self) -> impl Iterator<Item = &FixedIp<'a>> {
        self.network.iter().flat_map(|network| &network.subnets).flat_map(|subnet| &subnet.ips)
    }

    fn hydrate(release: Release, vif: Json<'a>) -> Result<Self, Error> {
        let mut source = mapping(release, vif, "vif")?;
        let modern: &[_] = if release.rules().has_modern_vifs { &MODERN_VIF_FIELDS } else { &[] };
        let fields = VIF_FIELDS.iter().chain(modern).map(|(name, default)| {
            let value = source.take(name).unwrap_or(*default);
            let value = if *name == "details" && !value.is_truthy() { *default } else { value };
            (*name, value)
        });
        let fields = fields.collect();
        let network = source.take("network").filter(|network| network.is_truthy());
        Ok(Self {
            fields,
            meta: meta(source)?,
            network: network.map(|network| Network::hydrate(release, network)).transpose()?,
        })
    }

    fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        for (name, value) in &self.fields {
            object.value(name, value.as_str());
        }
        object.value("network", &self.network.as_ref().map_or_else(|| "null".to_owned(), Network::to_json));
        object.value("meta", &self.meta.to_json());
        object.finish()
    }
}

impl<'a> Network<'a> {
    fn hydrate(release: Release, network: Json<'a>) -> Result<Self, Error> {
        let mut source = mapping(release, network, "network")?;
        let [id, bridge, label] = ["id", "bridge", "label"].map(|name| source.take(name).unwrap_or(Json::NULL));
        let subnets = take_list(&mut source, "subnets");
        let meta = meta(source)?;
        Ok(Self { id, bridge, label, subnets: hydrate_list(release, subnets, Subnet::hydrate)?, meta })
    }

    fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object.value("id", self.id.as_str());
        object.value("bridge", self.bridge.as_str());
        object.value("label", self.label.as_str());
        object.value("subnets", &list_json(self.subnets.iter().map(Subnet::to_json)));
        object.value("meta", &self.meta.to_json());
        object.finish()
    }
}

impl<'a> Subnet<'a> {
    /// Returns the IP version as JSON: a number, null when it is unknown, or any value that the cache contains.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    fn hydrate(release: Release, subnet: Json<'a>) -> Result<Self, Error> {
        let mut source = mapping(release, subnet, "subnet")?;
        let cidr = source.take("cidr").unwrap_or(Json::NULL);
        let gateway = source.take("gateway").unwrap_or(Json::NULL);
        let version = source.take("version").unwrap_or(Json::NULL);
        let [dns, ips, routes] = ["dns", "ips", "routes"].map(|name| take_list(&mut source, name));
        let meta = meta(source)?;
        let version = infer(version, cidr, |cidr| address::version_of_network(release, cidr))?;
        Ok(Self {
            cidr,
            version,
            meta,
            dns: hydrate_list(release, dns, Ip::hydrate)?,
            ips: hydrate_list(release, ips, FixedIp::hydrate)?,
            routes: hydrate_list(release, routes, Route::hydrate)?,
            gateway: Ip::hydrate(release, gateway)?,
        })
    }

    fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object.value("cidr", self.cidr.as_str());
        object.value("dns", &list_json(self.dns.iter().map(|ip| ip_json(ip.as_ref()))));
        object.value("gateway", &ip_json(self.gateway.as_ref()));
        object.value("ips", &list_json(self.ips.iter().map(FixedIp::to_json)));
        object.value("routes", &list_json(self.routes.iter().map(Route::to_json)));
        object.value("version", &self.version);
        object.value("meta", &self.meta.to_json());
        object.finish()
    }
}

impl<'a> Route<'a> {
    fn hydrate(release: Release, route: Json<'a>) -> Result<Self, Error> {
        let mut source = mapping(release, route, "route")?;
        let [cidr, gateway, interface] =
            ["cidr", "gateway", "interface"].map(|name| source.take(name).unwrap_or(Json::NULL));
        Ok(Self { cidr, interface, meta: meta(source)?, gateway: Ip::hydrate(release, gateway)? })
    }

    fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        object.value("cidr", self.cidr.as_str());
        object.value("gateway", &ip_json(self.gateway.as_ref()));
        object.value("interface", self.interface.as_str());
        object.value("meta", &self.meta.to_json());
        object.finish()
    }
}

impl<'a> Ip<'a> {
    /// Returns the IP version as JSON: a number, null when it is unknown, or any value that the cache contains.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Returns the address as netaddr prints it, as JSON. Fails with `ValueError` when it is not an address.
    pub(crate) fn address_json(&self) -> Result<String, Error> {
        address::address_json(self.address)
    }

    /// Hydrates an address; an empty value gives `None`.
    fn hydrate(release: Release, ip: Json<'a>) -> Result<Option<Self>, Error> {
        if ip.is_truthy() { Self::from_mapping(release, mapping(release, ip, "ip")?).map(Some) } else { Ok(None) }
    }

    fn from_mapping(release: Release, mut source: Object<'a>) -> Result<Self, Error> {
        let [address, r#type, version] =
            ["address", "type", "version"].map(|name| source.take(name).unwrap_or(Json::NULL));
        let meta = meta(source)?;
        let version = infer(version, address, |address| address::version_of_address(release, address))?;
        Ok(Self { address, r#type, version, meta })
    }

    fn write(&self, object: &mut ObjectWriter) {
        object.value("address", self.address.as_str());
        object.value("type", self.r#type.as_str());
        object.value("version", &self.version);
        object.value("meta", &self.meta.to_json());
    }
}

impl<'a> FixedIp<'a> {
    /// Returns the IP version, as [`Ip::version`] does.
    #[must_use]
    pub fn version(&self) -> &str {
        self.ip.version()
    }

    fn hydrate(release: Release, fixed_ip: Json<'a>) -> Result<Self, Error> {
        let mut source = mapping(release, fixed_ip, "ip")?;
        let floating_ips = take_list(&mut source, "floating_ips");
        let mut ip = Ip::from_mapping(release, source)?;
        if !ip.r#type.is_truthy() {
            ip.r#type = Json::constant("\"fixed\"");
        }
        Ok(Self { ip, floating_ips: hydrate_list(release, floating_ips, Ip::hydrate)? })
    }

    fn to_json(&self) -> String {
        let mut object = ObjectWriter::new();
        self.ip.write(&mut object);
        object.value("floating_ips", &list_json(self.floating_ips.iter().map(|ip| ip_json(ip.as_ref()))));
        object.finish()
    }
}

/// Returns a MAC address in the format of Nova's objects.
pub(crate) fn mac_address(address: Json<'_>) -> Result<String, Error> {
    let malformed = || Error::value(format!("Malformed MAC {}", address.as_str()));
    address.text()?.and_then(|text| address::mac_address(&text)).ok_or_else(malformed)
}

fn ip_json(ip: Option<&Ip<'_>>) -> String {
    let Some(ip) = ip else {
        return "null".to_owned();
    };
    let mut object = ObjectWriter::new();
    ip.write(&mut object);
    object.finish()
}

/// Keeps a version from the cache, even a wrong one, and otherwise infers it from the address or network.
fn infer<'a>(
    version: Json<'a>,
    from: Json<'a>,
    version_of: impl FnOnce(Json<'a>) -> Result<&'static str, Error>,
) -> Result<Version<'a>, Error> {
    if from.is_truthy() && !version.is_truthy() {
        return version_of(from).map(Cow::Borrowed);
    }
    Ok(Cow::Borrowed(version.as_str()))
}

/// Returns the `meta` of a structure, with all keys that are not fields added. The caller has taken the fields out.
fn meta(mut source: Object<'_>) -> Result<Object<'_>, Error> {
    let mut meta = match source.take("meta") {
        None => Object::default(),
        Some(meta) if meta.is_object() => Object::from_json(meta)?,
        Some(meta) => {
            let message = format!("`meta` of a network structure is {}: make it a mapping", meta.type_name());
            return Err(Error::new("AttributeError", message));
        }
    };
    meta.update(source);
    Ok(meta)
}

/// Takes a list out; any empty value, null included, becomes an empty list.
fn take_list<'a>(source: &mut Object<'a>, name: &str) -> Json<'a> {
    source.take(name).filter(|list| list.is_truthy()).unwrap_or(Json::EMPTY_LIST)
}

fn mapping<'a>(release: Release, value: Json<'a>, name: &str) -> Result<Object<'a>, Error> {
    if value.is_object() {
        return Object::from_json(value);
    }
    Err(Error::new(release.rules().not_a_mapping, format!("a {name} is {}: make it a mapping", value.type_name())))
}

/// Hydrates each item of a list. Python can also iterate a mapping or a string, which gives keys or characters: these
/// are not structures, so only an empty mapping or string is valid.
fn hydrate_list<'a, T>(
    release: Release,
    list: Json<'a>,
    hydrate: impl Fn(Release, Json<'a>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    if let Some(items) = list.list()? {
        return items.into_iter().map(|item| hydrate(release, item)).collect();
    }
    let is_iterable = list.is_object() || list.as_str().starts_with('"');
    if is_iterable && !list.is_truthy() {
        return Ok(Vec::new());
    }
    let code = if is_iterable { release.rules().not_a_mapping } else { "TypeError" };
    Err(Error::new(code, format!("expected a list, got {}", list.type_name())))
}
