//! An RSA key of a channel that only an offline workstation holds: request, response, published, in one trip; and
//! everything that a response may not be.

use std::io::Write as _;
use std::path::PathBuf;

use headgate_core::clients::{CapgoFiles, ClientsDocument};
use headgate_core::settings::Delivers;
use headgate_core::signing::{
    Answer, ClientsMade, MAX_CLIENTS_RESPONSE, SigningRequest, SigningResponse,
};
use headgate_core::{Code, Result, RsaPublic};
use headgate_engine::{Ceremony, Imported, RsaOrigin};
use headgate_offline::{SignOptions, VaultPlace, Workstation};
use headgate_registry::layout;
use headgate_signer::{Hashed, KeyVault, MemoryVault};
use headgate_tests::{APP, Bench, Colleague, Crew, Person, channel_documents, settle};
use headgate_tuf::sha256_hex;

/// A workstation with a drive, and the RSA key of production in the vault of its person.
struct Station {
    desk: Workstation,
    drive: PathBuf,
    rsa: RsaPublic,
}

impl Station {
    fn new(crew: &Crew, person: &Colleague) -> Self {
        use headgate_engine::Clock as _;
        let home = crew.bench.home("station");
        let desk = Workstation::open(&home).unwrap().at(crew.bench.clock.now());
        desk.pin_root(&crew.anna.workspace.root, APP).unwrap();
        let (place, vault) = (VaultPlace::Os, person.vault.as_ref());
        desk.adopt_key(&person.member.public, &person.member.name, &place)
            .unwrap();
        let rsa = desk.create_rsa("production apps", &place, vault).unwrap();
        let drive = crew.bench.dir.path().join("drive");
        std::fs::create_dir_all(&drive).unwrap();
        Self {
            desk,
            drive,
            rsa: rsa.public,
        }
    }

    /// Request and bundle travel.
    async fn fetch(&self, crew: &Crew, id: &str) -> Vec<u8> {
        let (anna, workspace) = (&crew.anna.console, &crew.anna.workspace.id);
        let laid = anna.approval_bundle(workspace, id, &self.drive).await;
        assert!(laid.unwrap());
        anna.approval_request(workspace, id).await.unwrap()
    }

    fn sign(&self, request: &[u8], vault: &dyn KeyVault) -> Result<Vec<u8>> {
        let options = SignOptions::default();
        let signed = self.desk.sign(request, Some(&self.drive), &options, vault);
        signed.map(|handed| handed.bytes)
    }
}

/// The app has plugins of both vendors, and production's RSA key is at the workstation alone.
async fn set_up(crew: &Crew, station: &Station) {
    let (console, id) = (&crew.anna.console, crew.anna.workspace.id.as_str());
    let ionic = console.set_device_id(id, "main", "ionic", Some("1a2b3c4d"));
    settle(&crew.anna, ionic.await).await;
    let both = Delivers {
        zip: true,
        files: true,
    };
    settle(&crew.anna, console.set_delivers(id, both).await).await;
    let origin = RsaOrigin::Elsewhere(station.rsa.clone());
    let set = console.set_channel_rsa(id, "production", "production apps", origin, false);
    settle(&crew.anna, set.await).await;
    let known = console.channel_rsa(id, "production").await.unwrap();
    assert_eq!(known.unwrap().here, Some(false));
}

/// A team whose production is asked for: the workstation, the build, the request's id and its file.
async fn asked() -> (Crew, Station, u32, String, Vec<u8>) {
    let (crew, members) = Crew::solo().await;
    let station = Station::new(&crew, &crew.ines);
    set_up(&crew, &station).await;
    let ceremony = Ceremony::Team {
        members,
        root_threshold: 2,
        last_threshold: 2,
    };
    crew.ceremony(&ceremony, &crew.mara).await.unwrap();
    let build = crew.staged("one", "1.0.0").await;
    let id = crew
        .anna
        .ask_promote(build, "staging", "production")
        .await
        .unwrap();
    let request = station.fetch(&crew, &id).await;
    (crew, station, build, id, request)
}

async fn import(person: &Person, response: &[u8]) -> Result<Imported> {
    let console = &person.console;
    console
        .approval_import(&person.workspace.id, response)
        .await
}

/// Everything that a document names lies in storage under its hash.
fn whole(bench: &Bench, document: &ClientsDocument) {
    let variant = |sha256: &str, size: u64| {
        let bytes = std::fs::read(bench.storage().join(layout::variant(sha256))).unwrap();
        assert_eq!(
            (sha256_hex(&bytes).as_str(), bytes.len() as u64),
            (sha256, size)
        );
        bytes
    };
    for object in document.objects() {
        variant(&object.sha256, object.size);
    }
    let list = document.capgo.as_ref().unwrap().files.as_ref().unwrap();
    let files = CapgoFiles::parse(&variant(&list.sha256, list.size)).unwrap();
    assert!(!files.files.is_empty());
    for file in files.files {
        variant(&file.object.sha256, file.object.size);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workstation_signs_for_plugins_and_for_the_role_in_one_trip() {
    let (crew, station, build, id, file) = asked().await;
    let (anna, workspace) = (&crew.anna.console, &crew.anna.workspace.id);
    let info = anna.approval(workspace, &id).await.unwrap().info;
    let rsa = info.rsa.clone().unwrap();
    assert_eq!((rsa.key.as_str(), rsa.there), ("production apps", false));
    assert_eq!((info.have, info.need, info.mine), (0, 2, false));
    // Nobody can sign bytes that are not whole yet, and nobody is asked to through the private location.
    let early = anna.approval_sign(workspace, &id).await.unwrap_err();
    assert_eq!(early.code, Code::SigningMissing);
    let read = crew.mara.console.proposals_read(&crew.mara.workspace.id);
    assert_eq!(read.await.unwrap().proposals, 0);

    let look = station.desk.look(&file, Some(&station.drive)).unwrap();
    assert!(look.review.alarms.is_empty(), "{:?}", look.review.alarms);
    let line = look.review.roles[0]
        .lines
        .iter()
        .find(|l| l.what == format!("For plugins of build {build}"));
    let line = line.unwrap();
    assert!(
        line.after
            .contains("signed for Capgo and Ionic plugins with the RSA key ‘production apps’"),
        "{line:?}"
    );
    assert_eq!(look.rsa[0].public, station.rsa);

    let vault = crew.ines.vault.as_ref();
    let response = station.sign(&file, vault).unwrap();
    // An answer that was lost is given again, byte for byte where it is signed.
    let again = station.sign(&file, vault).unwrap();
    let (first, second) = (
        SigningResponse::parse(&response).unwrap(),
        SigningResponse::parse(&again).unwrap(),
    );
    assert_eq!(
        (&first.answer, &first.clients),
        (&second.answer, &second.clients)
    );

    let done = import(&crew.anna, &response).await.unwrap();
    assert_eq!(done.added, ["ines 2026"]);
    assert!(done.made && done.mine && !done.complete, "{done:?}");
    let known = import(&crew.anna, &response).await.unwrap();
    assert!(known.added.is_empty() && known.known == ["ines 2026"]);
    let info = anna.approval(workspace, &id).await.unwrap().info;
    assert!(info.rsa.unwrap().there);
    // Now that it is whole, the others see it.
    let read = crew.mara.console.proposals_read(&crew.mara.workspace.id);
    assert_eq!(read.await.unwrap().proposals, 1);
    let signed = anna.approval_sign(workspace, &id).await.unwrap();
    assert!(signed.complete);
    let receipt = crew.anna.publish(&id).await.unwrap();
    assert_eq!(receipt.release, Some(("1.0.0".to_owned(), build)));

    let production = channel_documents(&crew.bench, &crew.anna, "production").await;
    let document = &production.clients[&build];
    let key = document.key.clone().unwrap();
    assert_eq!(
        (key.sha256, key.capgo_id),
        (station.rsa.sha256(), station.rsa.capgo_id())
    );
    assert_eq!(
        document.to_bytes().unwrap(),
        first.clients[0].document.as_bytes()
    );
    whole(&crew.bench, document);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_role_needs_no_signature_of_the_workstation_it_makes_the_documents_alone() {
    let (crew, _) = Crew::solo().await;
    let station = Station::new(&crew, &crew.ines);
    set_up(&crew, &station).await;
    let build = crew.staged("one", "1.0.0").await;
    let alone = crew.anna.promote(build, "staging", "production").await;
    assert_eq!(alone.unwrap_err().code, Code::KeyMissing);
    let id = crew.anna.ask_promote(build, "staging", "production").await;
    let id = id.unwrap();
    let file = station.fetch(&crew, &id).await;
    let response = station.sign(&file, crew.ines.vault.as_ref()).unwrap();
    let done = import(&crew.anna, &response).await.unwrap();
    assert!(done.made && done.mine && done.added.is_empty(), "{done:?}");
    let console = &crew.anna.console;
    let signed = console.approval_sign(&crew.anna.workspace.id, &id).await;
    assert!(signed.unwrap().complete);
    crew.anna.publish(&id).await.unwrap();
    let production = channel_documents(&crew.bench, &crew.anna, "production").await;
    whole(&crew.bench, &production.clients[&build]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workstation_signs_nothing_over_a_bundle_that_it_did_not_hash() {
    let (crew, station, _, _, file) = asked().await;
    let vault = crew.ines.vault.as_ref();
    let request = SigningRequest::parse(&file).unwrap();
    let look = station.desk.look(&file, Some(&station.drive)).unwrap();
    let sha256 = look.release.unwrap().bundle.sha256;
    let zip = station.drive.join(format!("{sha256}.zip"));
    let good = std::fs::read(&zip).unwrap();

    std::fs::remove_file(&zip).unwrap();
    let absent = station.sign(&file, vault).unwrap_err();
    assert_eq!(absent.code, Code::SigningFormat);
    assert!(absent.message.contains("is not beside"), "{absent}");
    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 1;
    std::fs::write(&zip, &bad).unwrap();
    assert_eq!(
        station.sign(&file, vault).unwrap_err().code,
        Code::SigningAlarm
    );
    // A person may confirm the alarm for the role; the bundle is not signed for plugins all the same.
    let accepts = SignOptions {
        accept: ["bundle".to_owned()].into(),
        ..SignOptions::default()
    };
    let signed = station
        .desk
        .sign(&file, Some(&station.drive), &accepts, vault);
    assert_eq!(signed.unwrap_err().code, Code::BuildChanged);
    std::fs::write(&zip, &good).unwrap();
    // The settings decide which key signs, and a vault without it signs nothing.
    let empty = MemoryVault::new();
    assert_eq!(
        station.sign(&file, &empty).unwrap_err().code,
        Code::KeyMissing
    );
    // Without the map of single files nothing is made.
    let mut bare = request.clone();
    let release = look.review.clients[0].release.clone();
    bare.documents.remove(&release.files.unwrap().sha256);
    let bare = station.sign(&bare.to_bytes().unwrap(), vault).unwrap_err();
    assert_eq!(bare.code, Code::SigningFormat);
    // A place in a role that lists no such build, or in a signed one, is none.
    for change in [
        |r: &mut SigningRequest| r.clients[0].build += 1,
        |r: &mut SigningRequest| r.clients[0].role = "main.staging".into(),
        |r: &mut SigningRequest| r.clients.push(r.clients[0].clone()),
    ] {
        let mut other = request.clone();
        change(&mut other);
        assert_eq!(other.to_bytes().unwrap_err().code, Code::SigningFormat);
    }
    assert!(station.sign(&file, vault).is_ok());
}

/// The response with other documents for plugins.
fn with(response: &SigningResponse, change: impl FnOnce(&mut ClientsMade)) -> Vec<u8> {
    let mut other = response.clone();
    change(&mut other.clients[0]);
    other.to_bytes().unwrap()
}

fn document(made: &mut ClientsMade, change: impl FnOnce(&mut ClientsDocument)) {
    let mut document = made.document().unwrap();
    change(&mut document);
    made.document = String::from_utf8(document.to_bytes().unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_is_not_exactly_what_follows_from_key_and_bundle_is_refused() {
    let (crew, station, _, id, file) = asked().await;
    let good = station.sign(&file, crew.ines.vault.as_ref()).unwrap();
    let response = SigningResponse::parse(&good).unwrap();
    let refused = async |bytes: &[u8]| import(&crew.anna, bytes).await.unwrap_err().code;

    // Another object, another signature of the same key, a missing part.
    let other = with(&response, |made| {
        document(made, |d| {
            d.ionic.as_mut().unwrap().zip.as_mut().unwrap().sha256 = "a".repeat(64);
        });
    });
    assert_eq!(refused(&other).await, Code::SigningAltered);
    let other = with(&response, |made| document(made, |d| d.capgo = None));
    assert_eq!(
        refused(&other).await,
        Code::SigningFormat,
        "files without a place"
    );
    let other = with(&response, |made| {
        made.files = None;
        document(made, |d| d.capgo = None);
    });
    assert_eq!(refused(&other).await, Code::TrustSignature);
    let swapped = with(&response, |made| {
        let list = made.files().unwrap().unwrap();
        let (first, second) = (
            list.files[0].file_hash.clone(),
            list.files[1].file_hash.clone(),
        );
        let mut list = list;
        (list.files[0].file_hash, list.files[1].file_hash) = (second, first);
        let bytes = list.to_bytes().unwrap();
        document(made, |d| {
            let object = d.capgo.as_mut().unwrap().files.as_mut().unwrap();
            (object.sha256, object.size) = (sha256_hex(&bytes), bytes.len() as u64);
        });
        made.files = Some(String::from_utf8(bytes).unwrap());
    });
    assert_eq!(refused(&swapped).await, Code::SigningAltered);
    // Of another release, another build, another channel.
    for change in [
        |d: &mut ClientsDocument| d.manifest = "b".repeat(64),
        |d: &mut ClientsDocument| d.build += 1,
        |d: &mut ClientsDocument| d.channel = headgate_tuf::Name::new("staging").unwrap(),
    ] {
        let other = with(&response, |made| document(made, change));
        assert_eq!(refused(&other).await, Code::SigningFormat);
    }
    // Signed with another RSA key, right in everything else.
    let other_vault = MemoryVault::new();
    let public = other_vault.create_rsa("another").unwrap();
    let other_key = other_vault.open_rsa(&public).unwrap();
    let sealer = other_key.capgo().unwrap();
    let look = station.desk.look(&file, Some(&station.drive)).unwrap();
    let zip = format!("{}.zip", look.release.unwrap().bundle.sha256);
    let mut hashed = Hashed::new();
    hashed
        .write_all(&std::fs::read(station.drive.join(zip)).unwrap())
        .unwrap();
    let checksum = sealer.sign(&hashed.finish()).unwrap();
    let foreign = with(&response, |made| {
        document(made, |d| {
            d.capgo.as_mut().unwrap().zip.as_mut().unwrap().checksum = checksum;
        });
    });
    assert_eq!(refused(&foreign).await, Code::TrustSignature);
    // Parts that are missing, altered or too many.
    let none = with(&response, |made| made.files = None);
    assert_eq!(refused(&none).await, Code::SigningFormat);
    let none = with(&response, |made| made.ionic = None);
    assert_eq!(refused(&none).await, Code::SigningFormat);
    let altered = with(&response, |made| {
        made.ionic.as_mut().unwrap().push(' ');
    });
    assert_eq!(refused(&altered).await, Code::SigningFormat);
    let mut twice = response.clone();
    twice.clients.push(twice.clients[0].clone());
    assert_eq!(
        refused(&twice.to_bytes().unwrap()).await,
        Code::SigningFormat
    );
    let large = vec![b' '; MAX_CLIENTS_RESPONSE + 1];
    assert_eq!(refused(&large).await, Code::SigningFormat);
    // Signatures over the bytes as they were asked for, without what plugins need; and the other way round.
    let request = SigningRequest::parse(&file).unwrap();
    let bare = headgate_tests::answer(&crew.ines, &request);
    assert_eq!(
        refused(&bare.to_bytes().unwrap()).await,
        Code::SigningAltered
    );
    let mut mixed = response.clone();
    mixed.answer = bare.answer;
    assert_eq!(
        refused(&mixed.to_bytes().unwrap()).await,
        Code::SigningAltered
    );
    // A good signature of somebody who may not sign the role, over the right bytes.
    let spare = headgate_tests::colleague(&crew.bench, &crew.anna, "spare").await;
    let whole = request.complete(&response.clients).unwrap();
    let mut stranger = response.clone();
    stranger.answer = headgate_tests::answer(&spare, &whole).answer;
    assert_eq!(
        refused(&stranger.to_bytes().unwrap()).await,
        Code::KeyNotAllowed
    );

    // Nothing of all that was taken, and the good one still is.
    let console = &crew.anna.console;
    let info = console
        .approval(&crew.anna.workspace.id, &id)
        .await
        .unwrap();
    assert!(!info.info.rsa.unwrap().there);
    assert_eq!(crew.anna.request(&id).await, request);
    assert!(matches!(response.answer, Answer::Signed(_)));
    assert!(import(&crew.anna, &good).await.unwrap().made);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_with_a_key_that_was_replaced_meanwhile_is_not_published() {
    let (crew, _) = Crew::solo().await;
    let (console, id) = (&crew.anna.console, crew.anna.workspace.id.as_str());
    let ionic = console.set_device_id(id, "main", "ionic", Some("1a2b3c4d"));
    settle(&crew.anna, ionic.await).await;
    let both = Delivers {
        zip: true,
        files: true,
    };
    settle(&crew.anna, console.set_delivers(id, both).await).await;
    let key = |replace| console.set_channel_rsa(id, "production", "apps", RsaOrigin::New, replace);
    settle(&crew.anna, key(false).await).await;
    for ceremony in [
        Ceremony::AddPerson {
            member: crew.mara.member.clone(),
            roles: vec!["main.production".into()],
        },
        Ceremony::Threshold {
            role: "main.production".into(),
            threshold: 2,
        },
    ] {
        crew.ceremony(&ceremony, &crew.mara).await.unwrap();
    }
    let build = crew.staged("one", "1.0.0").await;
    let ask = || crew.anna.ask_promote(build, "staging", "production");
    let request = ask().await.unwrap();
    crew.mara.co_sign(&request).await.unwrap();
    settle(&crew.anna, key(true).await).await;
    let refused = crew.anna.publish(&request).await.unwrap_err();
    assert_eq!(refused.code, Code::SigningStale, "{refused:?}");
    assert!(refused.remedy.contains("ask again"), "{refused:?}");
    // Asked again, it is made with the key of now.
    let withdrawn = console.approval_withdraw(id, &request, "another key");
    withdrawn.await.unwrap();
    let request = ask().await.unwrap();
    crew.mara.co_sign(&request).await.unwrap();
    crew.anna.publish(&request).await.unwrap();
}
