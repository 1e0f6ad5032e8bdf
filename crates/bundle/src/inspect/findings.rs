//! Every code that inspection can give, with its weight and words. The only list of them.

use super::{Finding, Severity};

/// What a check says when it finds something.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Stable code, `area.reason`.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// Whether a person may allow it with a reason; only errors can be allowed.
    pub allowable: bool,
    /// One line, when the check has nothing more exact to say.
    pub title: &'static str,
    /// What it means.
    pub text: &'static str,
    /// What to do about it.
    pub fix: &'static str,
}

macro_rules! rules {
    ($($name:ident $code:literal $severity:ident $allowable:literal, $title:literal, $text:literal, $fix:literal;)*) => {
        $(pub(super) const $name: Rule = Rule {
            code: $code,
            severity: Severity::$severity,
            allowable: $allowable,
            title: $title,
            text: $text,
            fix: $fix,
        };)*

        /// All rules, in the order of the list.
        pub const RULES: &[Rule] = &[$($name),*];
    };
}

// name, code, severity, allowable, title, text, fix
rules! {
    INDEX_EMPTY "index.empty" Error false, "index.html is empty", "The app would show a blank page.", "Build the app again, then choose its output folder.";
    ENV_FILE "secret.env_file" Error true, "An .env file is in the build", "Such files hold settings and often passwords. Every device, and everyone with the bundle's address, can read them.", "Remove the file from the build's output; change any secret that is in it.";
    REPOSITORY "secret.repository" Error true, "A version control folder is in the build", "It holds the history of the source code, often with secrets that were removed later.", "Choose the output folder of the build, not the project's folder.";
    KEY_FILE "secret.key_file" Error true, "A key store is in the build", "Files of this type hold private keys. Every device can read them.", "Remove the file from the build; replace the key if the build was ever published.";
    PRIVATE_KEY "secret.private_key" Error true, "A private key is in the build", "Every device, and everyone with the bundle's address, can read it.", "Remove the key from the code and replace it: treat it as known to others.";
    TOKEN "secret.token" Error true, "An access token is in the build", "Every device, and everyone with the bundle's address, can read it.", "Move it to a server, or allow it with a reason if it is made to be public and restricted to your app.";
    BROWSER_KEY "secret.browser_key" Warning false, "A key that is made for web pages is in the build", "Everyone can read it, which is its purpose. Without restrictions others can use it at your cost.", "Restrict the key to your app and to the interfaces it needs, where it was made.";
    MAPS_INLINE "maps.inline" Warning false, "A source map is inside a file", "It shows your source code to everyone and makes the download larger. It cannot be left out, as it is a part of the file.", "Switch off inline source maps in the build.";
    MAPS_OTHER "maps.other_name" Warning false, "A source map has an unusual name", "It shows your source code to everyone. It is not left out with the others, as its name does not end in .map.", "Let the build name source maps .map, or write none.";
    MAPS_INCLUDED "maps.included" Warning false, "Source maps are in the build", "They show your source code to everyone and make every download larger. Devices do not need them.", "Leave them out: switch on “Exclude source maps”.";
    BROKEN_REFERENCE "index.broken_reference" Warning false, "index.html refers to a file that is not there", "The app may not start, or lack a part.", "Build again, or remove the reference.";
    NAMES_SPACE "names.space" Warning false, "Names hold a space or a plus sign", "Some device clients encode these characters wrongly in addresses and then miss the file.", "Rename the files.";
    TWINS "twins.precompressed" Warning false, "Files are there twice: as they are and compressed", "A web server uses the compressed ones, devices do not: they only make the download larger, and some clients mistake them.", "Switch off the compression step of the build.";
    SIZE_IOS "size.ios" Warning false, "The bundle is large for a download in the background", "iOS gives a background download about 25 seconds. At 3 Mbit/s that is 9.4 MB.", "Leave out source maps and large media, or load media when they are needed.";
    VERSION_NATIVE "version.native" Warning false, "The version equals a native version", "Some device clients take a bundle with the version of the app in the store for the embedded one and skip it.", "Give the release a version of its own.";
    LOCATION_PLAIN "location.plain" Warning false, "The address is http, not https", "iOS refuses such downloads (App Transport Security), and others on the way can read them. Devices check the hash, so other bytes are not taken.", "Give the https address of the same zip.";
    LOCATION_LOCAL "location.local" Warning false, "Only this computer reaches the address", "Devices cannot download from it.", "Give an address that devices reach.";
    EXECUTABLE "junk.executable" Warning false, "Programs are in the build", "A web app cannot run them; app stores may refuse an app that downloads programs.", "Remove them from the build's output.";
    LOCATION "location.external" Info false, "The bundle stays at its address", "It is not uploaded. The address must give these very bytes for as long as a channel serves the release; each promotion checks that. Clients that fetch single files do not get the release unless its files are uploaded too.", "Upload its files too if devices fetch single files.";
    SYSTEM_FILES "junk.system_files" Info false, "Files of the file manager are in the build", "They do no harm, but tell about the computer that made them.", "Remove .DS_Store, Thumbs.db, desktop.ini and __MACOSX from the build.";
    INDEX_EXTERNAL "index.external" Info false, "index.html loads from other servers", "What they send is not signed and not part of the release.", "Put these files into the build if the app must work offline or must not change.";
    FILES_EMPTY "files.empty" Info false, "Empty files are in the build", "Often left over by a build step.", "Look whether they are meant to be empty.";
    SCAN_PARTIAL "scan.partial" Info false, "Large text files were searched in part", "Only the first 16 MiB of a file are searched for keys and tokens.", "Nothing, if the file holds no secrets.";
    MAPS_MISSING "maps.missing" Info false, "A file names a source map that is not there", "Devices never ask for it.", "Nothing is to be done.";
    MAPS_EXCLUDED "maps.excluded" Info false, "Source maps are left out", "They stay on this computer.", "Nothing is to be done.";
    LEFT_OUT "source.left_out" Info false, "Files beside the app's folder are left out", "They stand beside the single folder that holds index.html.", "Nothing is to be done.";
    LIFTED "source.lifted" Info false, "The app's folder is taken as the root", "index.html lies in the only folder at the top.", "Nothing is to be done.";
    INDEX_PRESENT "index.present" Ok false, "index.html is at the root", "All local files that it refers to are there.", "Nothing is to be done.";
}

impl Rule {
    /// A finding of this rule, in its own words.
    pub(super) fn finding(&self) -> Finding {
        Finding {
            code: self.code,
            severity: self.severity,
            title: self.title.to_owned(),
            text: self.text.to_owned(),
            path: None,
            line: None,
            fix: self.fix.to_owned(),
            allowable: self.allowable,
        }
    }
}

impl Finding {
    pub(super) fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    pub(super) fn path(mut self, path: &str) -> Self {
        self.path = Some(path.to_owned());
        self
    }

    pub(super) fn line(mut self, line: u32) -> Self {
        self.line = Some(line);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_rule_has_a_code_of_its_own_and_its_words() {
        let mut seen = HashSet::new();
        for rule in RULES {
            assert!(seen.insert(rule.code), "{} stands twice", rule.code);
            assert!(rule.code.split_once('.').is_some(), "{}", rule.code);
            assert!(
                rule.text.ends_with('.') && rule.fix.ends_with('.'),
                "{}",
                rule.code
            );
            assert!(!rule.title.ends_with('.'), "{}", rule.code);
            assert!(
                !rule.allowable || rule.severity == Severity::Error,
                "{}",
                rule.code
            );
        }
    }
}
