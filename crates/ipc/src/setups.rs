//! The exact text that goes into an app, for each dialect. Names and defaults: `protocols/capgo.md` §1,
//! `protocols/ionic.md` §2, `plugin.xml` of cordova-plugin-ionic 5.5.3.

use headgate_core::{Code, Problem, Result, RsaPublic};
use headgate_engine::{ChannelFacts, RootInfo};

use crate::dto::ClientSetup;

/// Stands where the address of the server is to be written.
const NO_ADDRESS: &str = "https://ADDRESS-OF-YOUR-UPDATE-SERVER";

/// Setups of all dialects for one channel.
///
/// # Errors
/// `key.file` when the signed settings hold something else than an RSA key.
pub(crate) fn all(
    facts: &ChannelFacts,
    url: Option<&str>,
    root: &RootInfo,
) -> Result<Vec<ClientSetup>> {
    let url = url.unwrap_or(NO_ADDRESS).trim_end_matches('/');
    let rsa = facts.channel.rsa.as_ref();
    let rsa = rsa
        .map(|key| RsaPublic::from_base64(&key.public))
        .transpose()?;
    Ok(vec![
        headgate(facts, url, root)?,
        capgo(facts, url, rsa.as_ref())?,
        ionic(facts, rsa.as_ref())?,
        cordova(facts, url),
    ])
}

/// Setups of the dialects that pin a key, for one channel: what an app needs to verify signatures.
///
/// # Errors
/// As [`all`].
pub(crate) fn with_keys(facts: &ChannelFacts, url: Option<&str>) -> Result<Vec<ClientSetup>> {
    let url = url.unwrap_or(NO_ADDRESS).trim_end_matches('/');
    let rsa = facts.channel.rsa.as_ref();
    let rsa = rsa
        .map(|key| RsaPublic::from_base64(&key.public))
        .transpose()?;
    Ok(vec![
        ionic(facts, rsa.as_ref())?,
        capgo(facts, url, rsa.as_ref())?,
        capawesome(facts, url, rsa.as_ref())?,
    ])
}

fn device_id(facts: &ChannelFacts, kind: &str) -> Option<String> {
    facts.unit.device_ids.get(kind).cloned()
}

/// What devices send for the channel: its alias where it has one, since apps that exist send that.
fn sent(facts: &ChannelFacts) -> &str {
    let alias = facts.channel.aliases.first();
    alias.map_or(facts.channel.id.as_str(), String::as_str)
}

/// A string of TypeScript. JSON's strings are all valid ones.
fn quoted(text: &str) -> Result<String> {
    serde_json::to_string(text).map_err(|e| Problem::new(Code::Internal, e.to_string()))
}

fn capacitor_id(facts: &ChannelFacts) -> String {
    device_id(facts, "capacitor").unwrap_or_else(|| "YOUR-CAPACITOR-APP-ID".into())
}

fn headgate(facts: &ChannelFacts, url: &str, root: &RootInfo) -> Result<ClientSetup> {
    let id = capacitor_id(facts);
    let channel = facts.channel.id.as_str();
    let config = serde_json::json!({
        "pack": format!("{url}/headgate/{id}/packs/{channel}.json"),
        "events": format!("{url}/headgate/{id}/events"),
        "rootSha256": root.fingerprint,
    });
    let config = serde_json::to_string_pretty(&config)
        .map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
    Ok(ClientSetup {
        dialect: "headgate".into(),
        label: "Headgate client".into(),
        says: "Verifies signatures, freshness and roll-backs itself: the server can only withhold. Pin 1.root.json in the app.".into(),
        channel: channel.into(),
        config,
        public_key: None,
        untested: Some("No Capacitor plugin speaks this yet. These are its addresses; headgate device asks them.".into()),
    })
}

fn capgo(facts: &ChannelFacts, url: &str, rsa: Option<&RsaPublic>) -> Result<ClientSetup> {
    let key = rsa.map(RsaPublic::pkcs1_pem);
    let mut lines = vec![
        "plugins: {".to_owned(),
        "  CapacitorUpdater: {".into(),
        "    autoUpdate: true,".into(),
        format!("    appId: {},", quoted(&capacitor_id(facts))?),
        format!(
            "    defaultChannel: {},",
            quoted(facts.channel.id.as_str())?
        ),
        format!(
            "    updateUrl: {},",
            quoted(&format!("{url}/capgo/updates"))?
        ),
        format!("    statsUrl: {},", quoted(&format!("{url}/capgo/stats"))?),
        format!(
            "    channelUrl: {},",
            quoted(&format!("{url}/capgo/channel_self"))?
        ),
    ];
    if let Some(key) = &key {
        lines.push(format!("    publicKey: {},", quoted(key)?));
    }
    lines.extend(["  },".to_owned(), "},".into()]);
    let says = if rsa.is_some() {
        "Verifies bytes with the pinned key from 8.51.23 and 7.51.21 on, not what is current: it trusts the server for that."
    } else {
        "Verifies checksums alone: it trusts the server. Give the channel an RSA key to have it verify signatures."
    };
    Ok(ClientSetup {
        dialect: "capgo".into(),
        label: "Capgo updater".into(),
        says: says.into(),
        channel: facts.channel.id.to_string(),
        config: lines.join("\n"),
        public_key: key,
        untested: None,
    })
}

fn ionic(facts: &ChannelFacts, rsa: Option<&RsaPublic>) -> Result<ClientSetup> {
    let id = device_id(facts, "ionic").unwrap_or_else(|| "YOUR-APPFLOW-APP-ID".into());
    let mut lines = vec![
        "plugins: {".to_owned(),
        "  LiveUpdates: {".into(),
        format!("    appId: {},", quoted(&id)?),
        format!("    channel: {},", quoted(sent(facts))?),
        "    autoUpdateMethod: \"background\",".into(),
        "    strategy: \"differential\",".into(),
    ];
    if rsa.is_some() {
        lines.push("    key: \"headgate_public.pem\",".into());
    }
    lines.push("    urlToken: \"TOKEN-FROM-IONIC-FOR-YOUR-ADDRESS\",".into());
    lines.extend(["  },".to_owned(), "},".into()]);
    Ok(ClientSetup {
        dialect: "ionic".into(),
        label: "Ionic Live Updates, Portals".into(),
        says: "Reports no failure and cannot return to the embedded build. It trusts the server for what is current.".into(),
        channel: sent(facts).into(),
        config: lines.join("\n"),
        public_key: rsa.map(RsaPublic::spki_pem),
        untested: Some(
            "The SDK takes another server only with a token from Ionic. Signed manifests are untested against the closed SDK.".into(),
        ),
    })
}

/// Names: `protocols/capawesome.md` §1. The key stands on one line, since the plugin on iOS takes no other white space.
fn capawesome(facts: &ChannelFacts, url: &str, rsa: Option<&RsaPublic>) -> Result<ClientSetup> {
    let key = rsa.map(|key| key.spki_pem().replace('\n', ""));
    let id = device_id(facts, "capawesome").unwrap_or_else(|| "YOUR-CAPAWESOME-APP-ID".into());
    // A host alone: no scheme, port or path.
    let host = url.split("://").last().unwrap_or(url);
    let host = host.split(['/', ':']).next().unwrap_or(host);
    let mut lines = vec![
        "plugins: {".to_owned(),
        "  LiveUpdate: {".into(),
        format!("    appId: {},", quoted(&id)?),
        format!("    defaultChannel: {},", quoted(sent(facts))?),
        format!("    serverDomain: {},", quoted(host)?),
    ];
    if let Some(key) = &key {
        lines.push(format!("    publicKey: {},", quoted(key)?));
    }
    lines.extend(["  },".to_owned(), "},".into()]);
    Ok(ClientSetup {
        dialect: "capawesome".into(),
        label: "Capawesome live update".into(),
        says: "Verifies every downloaded file with the pinned key, not what is current.".into(),
        channel: sent(facts).into(),
        config: lines.join("\n"),
        public_key: key,
        untested: Some(
            "The update server does not answer this plugin yet. Pin the key now, and an app that is released today can be served later.".into(),
        ),
    })
}

fn cordova(facts: &ChannelFacts, url: &str) -> ClientSetup {
    let id = device_id(facts, "ionic").unwrap_or_else(|| "YOUR-APPFLOW-APP-ID".into());
    let channel = sent(facts);
    let text =
        |name: &str, value: &str| format!("<string name=\"{name}\">{}</string>", escaped(value));
    let plist =
        |name: &str, value: &str| format!("<key>{name}</key>\n<string>{}</string>", escaped(value));
    let config = [
        "<!-- android/app/src/main/res/values/strings.xml -->".to_owned(),
        text("ionic_app_id", &id),
        text("ionic_channel_name", channel),
        text("ionic_update_api", url),
        text("ionic_update_method", "background"),
        text("ionic_max_versions", "2"),
        text("ionic_min_background_duration", "30"),
        String::new(),
        "<!-- ios/App/App/Info.plist -->".into(),
        plist("IonAppId", &id),
        plist("IonChannelName", channel),
        plist("IonApi", url),
        plist("IonUpdateMethod", "background"),
        plist("IonMaxVersions", "2"),
        plist("IonMinBackgroundDuration", "30"),
    ]
    .join("\n");
    ClientSetup {
        dialect: "cordova".into(),
        label: "cordova-plugin-ionic".into(),
        says: "Verifies nothing on the device, reports no failure and cannot return to the embedded build.".into(),
        channel: channel.into(),
        config,
        public_key: None,
        untested: None,
    }
}

/// Text of an XML element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
