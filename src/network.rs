//! The network model: what an instance's network info cache holds, hydrated.
//!
//! Nova: `nova.network.model`. Hydrating fills in what a structure leaves out, infers the IP version of addresses and
//! networks that come without one, and gathers unknown keys in `meta`.

mod address;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

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
/// let cache = r#"[{"address": "fa:16:3e:00:00:01", "network": {"label": "private", "subnets": [{"ips": [{"address": "10.0.0.4"}]}]}}]"#;
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
    /// The network it is plugged into.
    pub network: Option<Network<'a>>,
    /// Everything else that is known of it.
    pub meta: Object<'a>,
}

/// A network. Nova: `Network`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network<'a> {
    /// Its id.
    pub id: Json<'a>,
    /// The bridge that it is reached by.
    pub bridge: Json<'a>,
    /// Its name.
    pub label: Json<'a>,
    /// Its subnets, in order.
    pub subnets: Vec<Subnet<'a>>,
    /// Everything else that is known of it.
    pub meta: Object<'a>,
}

/// A subnet. Nova: `Subnet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subnet<'a> {
    /// Its addresses, such as `10.0.0.0/24`.
    pub cidr: Json<'a>,
    /// Name servers; a place is empty where the cache had an empty entry.
    pub dns: Vec<Option<Ip<'a>>>,
    /// The way out.
    pub gateway: Option<Ip<'a>>,
    /// The addresses that the instance has in it.
    pub ips: Vec<FixedIp<'a>>,
    /// Ways to elsewhere.
    pub routes: Vec<Route<'a>>,
    version: Version<'a>,
    /// Everything else that is known of it.
    pub meta: Object<'a>,
}

/// A way to somewhere. Nova: `Route`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route<'a> {
    /// Where it leads.
    pub cidr: Json<'a>,
    /// Whom to send packets to.
    pub gateway: Option<Ip<'a>>,
    /// The interface to send them by.
    pub interface: Json<'a>,
    /// Everything else that is known of it.
    pub meta: Object<'a>,
}

/// An address. Nova: `IP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ip<'a> {
    /// The address itself.
    pub address: Json<'a>,
    /// What it is for: `fixed`, `floating`, `gateway`, `dns`.
    pub r#type: Json<'a>,
    version: Version<'a>,
    /// Everything else that is known of it.
    pub meta: Object<'a>,
}

/// An address that an instance has in a subnet. Nova: `FixedIP`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedIp<'a> {
    /// The address.
    pub ip: Ip<'a>,
    /// The floating addresses that lead to it; a place is empty where the cache had an empty entry.
    pub floating_ips: Vec<Option<Ip<'a>>>,
}

/// What a structure was given as its IP version, or what was inferred: JSON.
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
    /// From the JSON text of a network info cache. Nova: `NetworkInfo.hydrate`.
    ///
    /// `ValueError` (`JSONDecodeError` in hibiscus) on text that is no JSON, `TypeError` or `AttributeError` where a
    /// structure is called for and something else stands, `InvalidIpAddressError` and `AddrFormatError` on an address
    /// or network whose version cannot be inferred.
    pub fn hydrate(release: Release, json: &'a str) -> Result<Self, Error> {
        let network_info = Json::parse(json).map_err(|error| Error::new(release.not_json(), error.message()))?;
        Self::hydrate_json(release, network_info)
    }

    pub(crate) fn hydrate_json(release: Release, network_info: Json<'a>) -> Result<Self, Error> {
        let vifs = items(release, network_info)?;
        Ok(Self { vifs: vifs.into_iter().map(|vif| Vif::hydrate(release, vif)).collect::<Result<_, _>>()? })
    }

    /// The hydrated form as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        list_json(self.vifs.iter().map(Vif::to_json))
    }
}

/// The hydrated network info of an instance's cache. Nova: `get_nw_info_for_instance`, grizzly.
///
/// A cache that is empty in any way is an empty list; `KeyError` where the instance has no `info_cache` at all,
/// `AttributeError` where it is no mapping, and the errors of [`NetworkInfo::hydrate`].
///
/// `text` is where the text of the cache is kept while the network info borrows from it.
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

/// What a cache that is not empty has for network info.
pub(crate) fn cached_network_info<'a>(instance: &Instance<'a>) -> Result<Option<Json<'a>>, Error> {
    match instance.info_cache.filter(|info_cache| info_cache.is_truthy()) {
        None => Ok(None),
        Some(info_cache) => Ok(mapping(Release::Grizzly, info_cache, "`info_cache`")?.get("network_info")),
    }
}

/// The hydrated network info of an instance's cache; nothing where the cache has a null in its place.
/// Nova: `Instance.get_network_info` of hibiscus.
///
/// A cache that was never made is an empty list. `KeyError` where the cache lacks its column, `ValueError` where the
/// column holds something that is not yet a network model, `JSONDecodeError` and the errors of
/// [`NetworkInfo::hydrate`] on bad text.
///
/// `text` is where the unescaped text of the cache is kept while the network info borrows from it.
pub fn get_network_info<'t>(instance: &Instance<'_>, text: &'t mut String) -> Result<Option<NetworkInfo<'t>>, Error> {
    let Some(info_cache) = instance.info_cache else {
        return Ok(Some(NetworkInfo::default()));
    };
    let info_cache = Object::from_json(info_cache)?;
    let network_info =
        info_cache.get("network_info").ok_or_else(|| Error::new("KeyError", "the info cache has no `network_info`"))?;
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
    /// The id of its port.
    #[must_use]
    pub fn id(&self) -> Json<'a> {
        self.field("id").unwrap_or(Json::NULL)
    }

    /// Its MAC address.
    #[must_use]
    pub fn address(&self) -> Json<'a> {
        self.field("address").unwrap_or(Json::NULL)
    }

    /// The name of the device on the host.
    #[must_use]
    pub fn devname(&self) -> Json<'a> {
        self.field("devname").unwrap_or(Json::NULL)
    }

    /// How it is plugged in; nothing in grizzly, which keeps this in `meta`.
    #[must_use]
    pub fn vnic_type(&self) -> Option<Json<'a>> {
        self.field("vnic_type")
    }

    /// Any of its fields but `network` and `meta`, under Nova's name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<Json<'a>> {
        self.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| *value)
    }

    /// The addresses in all its subnets, in order; none where it has no network.
    pub fn fixed_ips(&self) -> impl Iterator<Item = &FixedIp<'a>> {
        self.network.iter().flat_map(|network| &network.subnets).flat_map(|subnet| &subnet.ips)
    }

    fn hydrate(release: Release, vif: Json<'a>) -> Result<Self, Error> {
        let mut given = mapping(release, vif, "vif")?;
        let modern: &[_] = if release.has_modern_vifs() { &MODERN_VIF_FIELDS } else { &[] };
        let fields = VIF_FIELDS.iter().chain(modern).map(|(name, default)| {
            let value = given.take(name).unwrap_or(*default);
            let value = if *name == "details" && !value.is_truthy() { *default } else { value };
            (*name, value)
        });
        let fields = fields.collect();
        let network = given.take("network").filter(|network| network.is_truthy());
        Ok(Self {
            fields,
            meta: meta(given)?,
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
        let mut given = mapping(release, network, "network")?;
        let [id, bridge, label] = ["id", "bridge", "label"].map(|name| given.take(name).unwrap_or(Json::NULL));
        let subnets = take_list(&mut given, "subnets");
        let meta = meta(given)?;
        let subnets = items(release, subnets)?;
        let subnets = subnets.into_iter().map(|subnet| Subnet::hydrate(release, subnet)).collect::<Result<_, _>>()?;
        Ok(Self { id, bridge, label, subnets, meta })
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
    /// Its IP version as JSON: a number, null where nothing tells, or whatever the cache held.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    fn hydrate(release: Release, subnet: Json<'a>) -> Result<Self, Error> {
        let mut given = mapping(release, subnet, "subnet")?;
        let cidr = given.take("cidr").unwrap_or(Json::NULL);
        let gateway = given.take("gateway").unwrap_or(Json::NULL);
        let version = given.take("version").unwrap_or(Json::NULL);
        let [dns, ips, routes] = ["dns", "ips", "routes"].map(|name| take_list(&mut given, name));
        let meta = meta(given)?;
        let version = infer(version, cidr, |cidr| address::version_of_network(release, cidr))?;
        Ok(Self {
            cidr,
            version,
            meta,
            dns: hydrate_ips(release, dns)?,
            ips: items(release, ips)?.into_iter().map(|ip| FixedIp::hydrate(release, ip)).collect::<Result<_, _>>()?,
            routes: items(release, routes)?
                .into_iter()
                .map(|route| Route::hydrate(release, route))
                .collect::<Result<_, _>>()?,
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
        let mut given = mapping(release, route, "route")?;
        let [cidr, gateway, interface] =
            ["cidr", "gateway", "interface"].map(|name| given.take(name).unwrap_or(Json::NULL));
        Ok(Self { cidr, interface, meta: meta(given)?, gateway: Ip::hydrate(release, gateway)? })
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
    /// Its IP version as JSON: a number, null where nothing tells, or whatever the cache held.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The address as netaddr prints it, as JSON; `ValueError` where it is none.
    pub(crate) fn address_json(&self) -> Result<String, Error> {
        address::address_json(self.address)
    }

    /// An empty entry stays empty.
    fn hydrate(release: Release, ip: Json<'a>) -> Result<Option<Self>, Error> {
        if ip.is_truthy() { Self::from_mapping(release, mapping(release, ip, "ip")?).map(Some) } else { Ok(None) }
    }

    fn from_mapping(release: Release, mut given: Object<'a>) -> Result<Self, Error> {
        let [address, r#type, version] =
            ["address", "type", "version"].map(|name| given.take(name).unwrap_or(Json::NULL));
        let meta = meta(given)?;
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
    /// Its IP version, as of [`Ip::version`].
    #[must_use]
    pub fn version(&self) -> &str {
        self.ip.version()
    }

    fn hydrate(release: Release, fixed_ip: Json<'a>) -> Result<Self, Error> {
        let mut given = mapping(release, fixed_ip, "ip")?;
        let floating_ips = take_list(&mut given, "floating_ips");
        let mut ip = Ip::from_mapping(release, given)?;
        if !ip.r#type.is_truthy() {
            ip.r#type = Json::constant("\"fixed\"");
        }
        Ok(Self { ip, floating_ips: hydrate_ips(release, floating_ips)? })
    }

    /// As JSON, with whatever else is to stand beside it.
    pub(crate) fn to_json_with(&self, more: &[(&str, Json<'_>)]) -> String {
        let mut object = ObjectWriter::new();
        self.ip.write(&mut object);
        object.value("floating_ips", &list_json(self.floating_ips.iter().map(|ip| ip_json(ip.as_ref()))));
        for (name, value) in more {
            object.value(name, value.as_str());
        }
        object.finish()
    }

    fn to_json(&self) -> String {
        self.to_json_with(&[])
    }
}

/// A MAC address in the form of Nova's objects.
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

fn hydrate_ips(release: Release, ips: Json<'_>) -> Result<Vec<Option<Ip<'_>>>, Error> {
    items(release, ips)?.into_iter().map(|ip| Ip::hydrate(release, ip)).collect()
}

/// A given version is kept, even a wrong one; else it follows from the address or network, where there is one.
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

/// The given `meta` mapping, updated with every key that no field has taken.
fn meta(mut given: Object<'_>) -> Result<Object<'_>, Error> {
    let mut meta = match given.take("meta") {
        None => Object::default(),
        Some(meta) if meta.is_object() => Object::from_json(meta)?,
        Some(meta) => {
            let message = format!("`meta` of a network structure is {}: make it a mapping", meta.type_name());
            return Err(Error::new("AttributeError", message));
        }
    };
    meta.update(given);
    Ok(meta)
}

/// An empty list of any kind, null included, becomes a list.
fn take_list<'a>(given: &mut Object<'a>, name: &str) -> Json<'a> {
    given.take(name).filter(|list| list.is_truthy()).unwrap_or(Json::EMPTY_LIST)
}

fn mapping<'a>(release: Release, value: Json<'a>, what: &str) -> Result<Object<'a>, Error> {
    if value.is_object() {
        return Object::from_json(value);
    }
    Err(Error::new(release.not_a_mapping(), format!("a {what} is {}: make it a mapping", value.type_name())))
}

/// The members of what Python can iterate. A mapping yields its keys and a text its characters: none of them is a
/// structure, so only an empty one passes.
fn items(release: Release, value: Json<'_>) -> Result<Vec<Json<'_>>, Error> {
    if let Some(items) = value.list()? {
        return Ok(items);
    }
    let is_iterable = value.is_object() || value.as_str().starts_with('"');
    match (is_iterable, value.is_truthy()) {
        (true, false) => Ok(Vec::new()),
        (true, true) => Err(Error::new(release.not_a_mapping(), format!("expected a list, got {}", value.type_name()))),
        (false, _) => Err(Error::type_error(format!("expected a list, got {}", value.type_name()))),
    }
}
