//! Tests of the lab format, and of the labs in `static/labs`.

use super::*;
use proptest::prelude::*;

/// A small sound lab.
pub(crate) const SMALL: &str = r#"{
    "format_version": 1, "name": "small", "title": {"en": "Small", "ru": "Малый"},
    "machine": [
        {"name": "host", "kind": "host", "interface": [{"name": "eth0", "address": ["192.168.0.111/24"]}],
         "route": [{"to": "default", "via": "192.168.0.1"}]},
        {"name": "router", "kind": "router", "interface": [{"name": "lan", "address": ["192.168.0.1/24"]}],
         "service": [{"name": "dhcpd", "kind": "dhcp", "scope": [
            {"dev": "lan", "first": "192.168.0.120", "last": "192.168.0.199", "lease_secs": 600,
             "option": [{"code": 42, "value": {"addresses": ["192.168.0.10"]}}]}]}]}
    ],
    "switch": [{"name": "office"}],
    "cable": [{"a": "host:eth0", "b": "office"}, {"a": "router:lan", "b": "office"}],
    "vm": [{"name": "vm1", "host": "host", "nic": [{"adapter": 1, "mode": "nat"}]}]
}"#;

#[test]
fn every_lab_of_ours_is_sound() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../static/labs");
    let mut found = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "toml") {
            continue;
        }
        let lab: Lab = toml::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(lab.validate(), Ok(()), "{}", path.display());
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), lab.name);
        assert_eq!(Lab::from_json(&lab.to_json()).unwrap(), lab);
        found += 1;
    }
    assert!(found > 0);
}

fn codes(lab: &Lab) -> Vec<String> {
    lab.validate().err().unwrap_or_default().into_iter().map(|error| error.code).collect()
}

/// The small lab with `old` replaced by `new`, parsed but not checked.
fn changed(old: &str, new: &str) -> Lab {
    assert!(SMALL.contains(old), "{old}");
    serde_json::from_str(&SMALL.replace(old, new)).unwrap()
}

#[test]
fn a_sound_lab_is_read_and_written_back_alike() {
    let lab = Lab::from_json(SMALL).unwrap();
    assert_eq!(Lab::from_json(&lab.to_json()).unwrap(), lab);
    assert!(lab.machine("router").unwrap().forwards());
    assert!(!lab.machine("host").unwrap().forwards());
    assert_eq!(lab.title_in("ru"), "Малый");
    assert_eq!(lab.title_in("de"), "Small");
}

#[test]
fn the_hash_depends_on_content_and_not_on_layout() {
    let lab = Lab::from_json(SMALL).unwrap();
    let compact: String = SMALL.lines().map(str::trim).collect();
    assert_eq!(Lab::from_json(&compact).unwrap().hash_hex(), lab.hash_hex());
    assert_ne!(changed("192.168.0.111", "192.168.0.112").hash(), lab.hash());
    // FNV-1a's published test vector for "foobar".
    assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
}

#[test]
fn faults_name_their_code_and_place() {
    for (old, new, code) in [
        ("\"format_version\": 1", "\"format_version\": 2", "lab-format-version"),
        ("\"name\": \"small\"", "\"name\": \"Small Lab\"", "lab-name"),
        (", \"ru\": \"Малый\"", "", "lab-title"),
        ("\"name\": \"router\", \"kind\"", "\"name\": \"office\", \"kind\"", "lab-name-twice"),
        ("\"via\": \"192.168.0.1\"", "\"via\": \"10.0.0.1\"", "lab-gateway"),
        ("\"via\": \"192.168.0.1\"", "\"metric\": 5", "lab-route-nowhere"),
        ("\"to\": \"default\"", "\"to\": \"10.0.0.1/8\"", "lab-route-to"),
        ("192.168.0.111/24", "192.168.0.255/24", "lab-address"),
        ("\"dev\": \"lan\"", "\"dev\": \"wan\"", "lab-iface-unknown"),
        ("192.168.0.120", "192.168.0.220", "lab-scope-range"),
        ("192.168.0.199", "192.168.1.199", "lab-scope-network"),
        ("\"lease_secs\": 600", "\"lease_secs\": 0", "lab-scope-lease"),
        ("\"code\": 42", "\"code\": 255", "lab-dhcp-option"),
        ("\"kind\": \"dhcp\"", "\"kind\": \"echo\"", "lab-service-field"),
        ("\"a\": \"host:eth0\"", "\"a\": \"host:eth1\"", "lab-cable-iface"),
        ("\"a\": \"host:eth0\"", "\"a\": \"vm1:enp0s3\"", "lab-cable-vm"),
        ("\"a\": \"host:eth0\"", "\"a\": \"hots:eth0\"", "lab-cable-node"),
        ("\"a\": \"host:eth0\"", "\"a\": \"router:lan\"", "lab-cable-twice"),
        ("{\"name\": \"office\"}", "{\"name\": \"office\", \"hello_secs\": 11}", "lab-switch-timer"),
        ("{\"name\": \"office\"}", "{\"name\": \"office\", \"macs_per_port\": 0}", "lab-switch-security"),
        ("{\"name\": \"office\"}", "{\"name\": \"office\", \"port\": [{\"to\": \"pc:eth0\"}]}", "lab-switch-port"),
        ("\"b\": \"office\"}, {", "\"b\": \"office\", \"queue_frames\": 5}, {", "lab-cable-queue-rate"),
        ("\"b\": \"office\"}, {", "\"b\": \"office\", \"jitter_us\": 99000000}, {", "lab-cable-jitter"),
        ("\"host\": \"host\"", "\"host\": \"router\"", "lab-host-kind"),
        ("\"host\": \"host\"", "\"host\": \"nobody\"", "lab-host-unknown"),
        ("\"adapter\": 1", "\"adapter\": 9", "lab-adapter"),
    ] {
        assert!(codes(&changed(old, new)).contains(&code.to_owned()), "{new}: {:?}", codes(&changed(old, new)));
    }
    let error = changed("192.168.0.111/24", "192.168.0.255/24").validate().unwrap_err().remove(0);
    assert_eq!(error.args[0], ("place".to_owned(), "machine \"host\", interface \"eth0\"".to_owned()));
}

#[test]
fn text_that_is_not_a_lab_says_where() {
    let error = Lab::from_json("{\n  \"format_version\": 1,\n  \"nmae\": \"x\"\n}").unwrap_err();
    assert_eq!(error.code, "lab-malformed");
    assert_eq!(error.args[0], ("line".to_owned(), "3".to_owned()));
    let newer = Lab::from_json("{\"format_version\": 7, \"something_new\": 1}").unwrap_err();
    assert_eq!(newer.code, "lab-format-version");
    assert_eq!(Lab::from_json(&" ".repeat(LAB_BYTES_MAX + 1)).unwrap_err().code, "lab-too-large");
}

#[test]
fn cards_have_names_and_addresses_of_their_own() {
    assert_eq!(guest_iface_name(1), Some("enp0s3"));
    assert_eq!(guest_iface_name(4), Some("enp0s10"));
    assert_eq!(guest_iface_name(8), Some("enp0s19"));
    assert_eq!((guest_iface_name(0), guest_iface_name(9)), (None, None));
    let mac = derived_mac([8, 0, 0x27], "vm1", "1");
    assert_eq!(mac, derived_mac([8, 0, 0x27], "vm1", "1"));
    assert_ne!(mac, derived_mac([8, 0, 0x27], "vm2", "1"));
    assert!(mac.to_string().starts_with("08:00:27:"));
}

proptest! {
    /// Any change of one character is refused or read, and what is read can be written and read again.
    #[test]
    fn damaged_labs_never_panic(at in 0..SMALL.len(), with in any::<char>()) {
        let mut text: Vec<char> = SMALL.chars().collect();
        let at = at % text.len();
        text[at] = with;
        let text: String = text.into_iter().collect();
        if let Ok(lab) = Lab::from_json(&text) {
            prop_assert_eq!(Lab::from_json(&lab.to_json()).unwrap(), lab);
        }
    }
}

/// The small lab with a hypervisor's settings, parsed but not checked.
fn with_hypervisor(settings: &str) -> Lab {
    let text = SMALL.trim_end().trim_end_matches('}');
    let text = format!("{text}, \"hypervisor\": [{{\"host\": \"host\", {settings}}}]}}");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{settings}: {error}"))
}

#[test]
fn a_hypervisors_settings_are_sound_or_say_where_they_are_not() {
    let net =
        |network: &str, rest: &str| format!("\"nat_network\": [{{\"name\": \"n\", \"network\": \"{network}\"{rest}}}]");
    let rule = |host_port: u32, rest: &str| {
        format!(
            ", \"forward\": [{{\"name\": \"ssh\", \"proto\": \"tcp\", \"host_port\": {host_port}, \"guest_port\": 22{rest}}}]"
        )
    };
    let dhcp = |address: &str| {
        format!(
            "\"dhcp_server\": [{{\"network\": \"blue\", \"address\": \"{address}\", \"first\": \"10.1.0.2\", \"last\": \"10.1.0.9\"}}]"
        )
    };
    let host_only =
        |name: &str, address: &str| format!("\"host_only\": [{{\"name\": \"{name}\", \"address\": \"{address}\"}}]");
    let guest = ", \"guest_address\": \"10.1.0.5\"";
    for (settings, code) in [
        (net("10.1.0.0/16", ""), None),
        (net("10.1.0.0/31", ""), Some("lab-natnetwork")),
        (net("10.1.0.1/16", ""), Some("lab-natnetwork")),
        (net("10.1.0.0/16", &rule(2_222, guest)), None),
        (net("10.1.0.0/16", &rule(2_222, "")), Some("lab-forward-guest")),
        (net("10.1.0.0/16", &rule(80, guest)), Some("lab-forward-privileged")),
        (net("10.1.0.0/16", &rule(0, guest)), Some("lab-forward-port")),
        (host_only("vboxnet0", "192.168.56.1/24"), None),
        (host_only("vbox", "192.168.56.1/24"), Some("lab-hostonly-name")),
        (host_only("vboxnet0", "10.0.0.1/24"), Some("lab-hostonly-range")),
        (dhcp("10.1.0.1/24"), None),
        (dhcp("10.2.0.1/24"), Some("lab-hv-dhcp-range")),
    ] {
        let found = codes(&with_hypervisor(&settings));
        assert_eq!(found.first().map(String::as_str), code, "{settings}: {found:?}");
    }
    let error = with_hypervisor(&net("10.1.0.0/31", "")).validate().unwrap_err().remove(0);
    assert_eq!(error.args[0], ("place".to_owned(), "hypervisor of \"host\", nat_network \"n\"".to_owned()));
    assert_eq!(error.args[1], ("network".to_owned(), "10.1.0.0/31".to_owned()));
}

#[test]
fn a_card_names_a_network_that_the_hypervisor_has() {
    let nic = |rest: &str| changed("\"adapter\": 1, \"mode\": \"nat\"", &format!("\"adapter\": 1, {rest}"));
    assert_eq!(codes(&nic("\"mode\": \"natnetwork\"")), Vec::<String>::new());
    assert_eq!(codes(&nic("\"mode\": \"hostonly\", \"network\": \"vboxnet0\"")), Vec::<String>::new());
    assert_eq!(codes(&nic("\"mode\": \"hostonly\", \"network\": \"vboxnet3\"")), ["lab-network-unknown"]);
    assert_eq!(codes(&nic("\"mode\": \"natnetwork\", \"network\": \"campus\"")), ["lab-network-unknown"]);
    let forward = "\"forward\": [{\"name\": \"a\", \"proto\": \"tcp\", \"host_port\": 2222, \"guest_port\": 22}, \
        {\"name\": \"a\", \"proto\": \"tcp\", \"host_port\": 2223, \"guest_port\": 22}]";
    assert_eq!(codes(&nic(&format!("\"mode\": \"nat\", {forward}"))), ["lab-forward-twice"]);
}
