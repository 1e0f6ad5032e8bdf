//! A team in two real windows: `docs/offline-signing.md` as it is clicked. Anna's console and Ines's workstation have a
//! home folder each and nothing in common but a folder that stands for the USB drive. python-tuf judges what came of it.

use std::fs;
use std::path::{Path, PathBuf};

use headgate_signer::{KeyVault, MemoryVault};
use headgate_tests::{
    Found, Updater, copy_tree, leave_one_signature, printed, refusal, sample, serve_folder,
};
use serde_json::{Value, json};

use crate::driver::Desk;
use crate::hand;
use crate::team::headgate;
use crate::window::{Window, text};

const APP: &str = "com.acme.field";
const KEY: &str = "Acme vault 2026";
const PASSPHRASE: &str = "kept in the safe with the drive";

/// The workspace as one person makes it: 4.2.5 is on production.
fn one_laptop(desk: &Desk, storage: &Path) {
    let home = desk.home();
    let run = |line: &[&str]| headgate(&home, line);
    let address = format!("file://{}", storage.display());
    // Outside of this repository, whose last commit would be taken for the build's.
    let build = desk.path().join("first");
    copy_tree(&sample(), &build);
    run(&[
        "init",
        "--app",
        APP,
        "--name",
        "Acme Field",
        "--storage",
        &address,
    ]);
    let ship = ["ship", build.to_str().unwrap(), "--version", "4.2.5"];
    run(&[&ship[..], &["--build", "1307", "--channel", "development"]].concat());
    for (from, to) in [("development", "staging"), ("staging", "production")] {
        run(&["promote", "--build", "1307", "--from", from, "--to", to]);
    }
    run(&["rollout", "complete", "--channel", "production"]);
}

/// The web build a few days later.
fn next_build(to: &Path) -> PathBuf {
    copy_tree(&sample(), to);
    fs::write(
        to.join("data/jobs.json"),
        r#"{"jobs":[{"id":7,"place":"Weir 3"}]}"#,
    )
    .unwrap();
    fs::write(
        to.join("assets/queue.svg"),
        "<svg xmlns='http://www.w3.org/2000/svg'/>",
    )
    .unwrap();
    fs::remove_file(to.join("data/site-visit.json")).unwrap();
    to.to_owned()
}

/// python-tuf, which gets `1.root.json` and an address.
struct Judge {
    root: PathBuf,
    state: PathBuf,
    url: String,
}

impl Judge {
    /// What production serves by the storage folder, for a client that was there before.
    fn production(&self) -> Found {
        let url = format!("{}/storage", self.url);
        printed(&Updater::Python.run(&url, &self.root, &self.state, "production"))
    }

    /// Why a new client takes nothing from a copy of the storage.
    fn refuses(&self, copy: &str) -> String {
        let state = self.state.with_file_name(copy);
        let url = format!("{}/{copy}", self.url);
        refusal(&Updater::Python.run(&url, &self.root, &state, "production"))
    }
}

/// The words of a list.
async fn words(window: &Window, id: &str) -> Vec<String> {
    window.see(id).await;
    let script = "return [...document.querySelectorAll(`[data-testid=${arguments[0]}] li`)].map((e) => e.textContent)";
    let list = window.js(script, vec![json!(id)]).await;
    list.as_array().unwrap().iter().map(text).collect()
}

fn choose(title: &str, path: &Path) {
    tokio::task::block_in_place(|| hand::choose(title, path));
}

/// The drive is chosen, a key made behind a passphrase, its public half written to the drive.
async fn make_key(station: &Window, drive: &Path) -> String {
    station.see("offline-setup-view").await;
    station.click("offline-drive").await;
    choose("Choose the folder with signing requests", drive);
    station.fill("offline-key-name", KEY).await;
    station.click("offline-vault-file").await;
    station.fill("offline-key-passphrase", PASSPHRASE).await;
    station.fill("offline-key-again", PASSPHRASE).await;
    station.click("offline-key-make").await;
    station.see("offline-public").await;
    station.click("offline-key-save").await;
    station.says("offline-keys", "Written to").await;
    let file = fs::read_to_string(drive.join("acme-vault-2026.hgkey")).unwrap();
    let (public, name) = file.trim().split_once("  ").unwrap();
    assert_eq!(name, KEY);
    public.to_owned()
}

/// The root of trust goes from the console to the workstation; both windows show the same words.
async fn hand_over_root(console: &Window, station: &Window, drive: &Path) {
    console.click("nav-keys").await;
    console.click("root-open").await;
    let read_aloud = words(console, "root-words").await;
    console.shots("110-root-of-trust").await;
    console.click("root-save").await;
    // The dialog keeps the ending of the name that it proposed.
    choose("Save the root of trust", &drive.join("1.root"));
    console.says("toast", "Root of trust saved").await;
    console.click("root-close").await;

    station.click("offline-root-pick").await;
    choose("Choose 1.root.json", &drive.join("1.root.json"));
    assert_eq!(words(station, "offline-root-words").await, read_aloud);
    station.fill("typed-confirm", APP).await;
    station.shots("111-workstation-setup").await;
    station.click("offline-pin").await;
    // Root, key and drive are there: the list of requests takes the place of the set-up.
    station.see("offline-empty").await;
}

/// Keys → Change roles… → Make a team, up to the page of the request.
async fn ask_for_a_team(console: &Window, ines: &str) {
    let mara = MemoryVault::new().create("Mara 2026").unwrap();
    console.click("change-roles").await;
    console.see("trust-choose").await;
    console.choose("trust-team").await;
    console.click("trust-next").await;
    let people = [(mara.hex(), "Mara 2026", "Mara"), (ines, KEY, "Ines")];
    for (at, (public, name, holder)) in people.into_iter().enumerate() {
        console.fill(&format!("member-public-{at}"), public).await;
        console.fill(&format!("member-name-{at}"), name).await;
        console.fill(&format!("member-holder-{at}"), holder).await;
    }
    for threshold in ["team-root", "team-last"] {
        let chosen = console.see(threshold).await.prop("value").await.unwrap();
        assert_eq!(chosen.as_deref(), Some("2"), "{threshold}");
    }
    console.shots("112-team").await;
    console.click("trust-next").await;
    console.see("trust-asks").await;
    console
        .fill("trust-reason", "Two people for production")
        .await;
    console.shots("113-team-review").await;
    console.click("trust-confirm").await;
    console
        .says("trust-asked", "Waiting for 1 more signature")
        .await;
    console.click("trust-close").await;
    console.click("nav-requests").await;
    console.says("requests-pending", "1 of 2 signed").await;
    open_request(console, "1 of 2").await;
}

/// Opens the one request that waits.
async fn open_request(console: &Window, signed: &str) {
    console.says("requests-pending", signed).await;
    let first =
        "return document.querySelector('[data-testid=requests-pending] button').dataset.testid";
    let id = text(&console.js(first, vec![]).await);
    console.click(&id).await;
    console.says("request-signed", signed).await;
}

/// Save request… onto the drive.
async fn save_request(console: &Window, file: &Path, bundle: bool) {
    console.click("request-save").await;
    if bundle {
        console.click("save-bundle").await;
        console.shots("117-save-request").await;
    }
    console.click("save-go").await;
    choose("Save the signing request", file);
    console.gone("save-request").await;
}

/// Signs what the workstation shows; gives the file that it wrote.
async fn sign(station: &Window) -> String {
    station
        .says("offline-why", "It asks for its passphrase")
        .await;
    station.click("offline-sign").await;
    station.fill("offline-passphrase", PASSPHRASE).await;
    station.click("offline-passphrase-confirm").await;
    station.says("offline-last", "Signed").await;
    station.says("offline-why", "Signed here already").await;
    let saved = station.text("offline-saved").await;
    saved.trim_start_matches("Saved as").trim().to_owned()
}

/// Import response… from the drive, then Publish….
async fn import_and_publish(console: &Window, file: &Path, typed: &str) {
    console.click("request-import").await;
    choose("Choose the response", file);
    console.says("request-signed", "2 of 2").await;
    // The page still stands where its import button is, with what publishes above the edge.
    console.click("nav-requests").await;
    open_request(console, "2 of 2").await;
    console.click("request-publish").await;
    console.fill("typed-confirm", typed).await;
    console.shots(&format!("118-publish-{typed}")).await;
    console.click("publish-go").await;
    console.says("request-state", "Published").await;
}

/// Ships the next build and promotes it to staging; the board is shown afterwards.
async fn ship_to_staging(console: &Window, build: &Path) {
    console.click("ship-build").await;
    console.click("ship-folder").await;
    choose("Choose a web build", build);
    console.see("findings").await;
    console.fill("ship-version", "4.2.6").await;
    console.click("ship-next").await;
    console.see("manifest-hash").await;
    console
        .fill("sign-message", "Jobs by weir, photo queue")
        .await;
    console.signing_is_open().await;
    console.click("sign-start").await;
    console.see("receipt").await;
    console.click("receipt-promote").await;
    console.see("promote-affected").await;
    console.click("promote-start").await;
    console
        .says("receipt-headline", "staging now gets 4.2.6")
        .await;
    console.click("receipt-done").await;
    console.gone("promote-sheet").await;
}

/// The gate to production asks for a second person.
async fn ask_for_production(console: &Window, workspace: &str) -> String {
    console.click("nav-pipeline").await;
    console.click("gate-staging-production").await;
    console.see("promote-ask").await;
    console.shots("115-promote-needs-more").await;
    console.click("promote-ask").await;
    console
        .fill("ask-reason", "Stable on staging since yesterday")
        .await;
    console.click("ask-go").await;
    console.says("request-signed", "1 of 2").await;
    console.click("nav-requests").await;
    console.says("requests-pending", "1 of 2 signed").await;
    console.says("requests-past", "Published").await;
    console.shots("114-requests").await;
    open_request(console, "1 of 2").await;
    console.see("file-difference").await;
    console.shots("116-request").await;
    let list = json!({ "workspace": workspace });
    let list = console.invoke("approvals", list).await.unwrap();
    let asked = |one: &&Value| one["state"] == json!("open");
    text(&list["list"].as_array().unwrap().iter().find(asked).unwrap()["id"])
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen, a keyring and python-tuf: cargo xtask test desktop"]
async fn a_team_of_three_ships_to_production_through_two_windows() {
    let (anna, ines) = (Desk::new(), Desk::new());
    let drive = ines.path().join("HEADGATE-2");
    fs::create_dir(&drive).unwrap();
    let served = anna.path().join("served");
    let storage = served.join("storage");
    one_laptop(&anna, &storage);
    let judge = Judge {
        root: anna.path().join("pinned.json"),
        state: anna.path().join("states/kept"),
        url: serve_folder(&served).await,
    };
    fs::copy(storage.join("metadata/1.root.json"), &judge.root).unwrap();
    assert_eq!(judge.production().build, 1307);

    let console = anna.open().await;
    console.says("version-production", "4.2.5").await;
    let state = console.invoke("app_state", json!({})).await.unwrap();
    let workspace = text(&state["workspaces"][0]["id"]);
    let station = ines
        .open_with(&ines.home(), &["--offline"], 1280, 800)
        .await;
    let key = make_key(&station, &drive).await;
    hand_over_root(&console, &station, &drive).await;

    // A team: nothing is published before the workstation signed.
    ask_for_a_team(&console, &key).await;
    save_request(&console, &drive.join("team"), false).await;
    assert!(!storage.join("metadata/2.root.json").exists());
    station.says("offline-request", "To sign").await;
    station.says("offline-review", "Mara 2026").await;
    station.shots("119-workstation-team").await;
    let answer = drive.join(sign(&station).await);
    import_and_publish(&console, &answer, APP).await;
    assert!(storage.join("metadata/2.root.json").exists());
    console.click("nav-keys").await;
    console.says("roles", "2 of 3").await;
    console.shots("120-keys-of-three").await;
    let found = judge.production();
    assert_eq!((found.root_version, found.build), (2, 1307));

    // A release for production: asked for here, signed there.
    ship_to_staging(&console, &next_build(&anna.path().join("www"))).await;
    let id = ask_for_production(&console, &workspace).await;
    let publish = json!({ "workspace": workspace, "id": id, "typed": "production" });
    let early = console
        .invoke("approval_publish", publish)
        .await
        .unwrap_err();
    assert_eq!(early["code"], json!("signing.incomplete"), "{early}");
    save_request(&console, &drive.join("promote"), true).await;
    station
        .says("offline-request", "Promote 4.2.6 to production")
        .await;
    // What is to be signed stands first.
    station.click("offline-request").await;
    station
        .says("offline-title", "Promote 4.2.6 to production")
        .await;
    station
        .says("offline-verdict", "Matches the bundle on the drive")
        .await;
    station.says("offline-changes", "assets/queue.svg").await;
    station.shots("121-workstation-request").await;
    assert_eq!(
        judge.production().build,
        1307,
        "before the second signature"
    );
    let answer = drive.join(sign(&station).await);
    station.see("offline-qr").await;
    station.shots("122-workstation-signed").await;
    assert_eq!(judge.production().build, 1307, "before it is published");
    import_and_publish(&console, &answer, "production").await;

    let published = judge.production();
    assert_eq!((published.root_version, published.build), (2, 1308));
    copy_tree(&storage, &served.join("half"));
    leave_one_signature(&served.join("half"), "main.production");
    let why = judge.refuses("half");
    assert!(
        why.contains("main.production was signed by 1/2 keys"),
        "{why}"
    );

    console.shots("123-published").await;
    console.click("nav-pipeline").await;
    console.says("version-production", "4.2.6").await;
    console.shots("124-board-of-a-team").await;
    console.click("nav-activity").await;
    console.says("timeline", "promoted 4.2.6").await;
    console.shots("125-activity-of-a-team").await;
    console.quit().await;
    station.quit().await;
}
