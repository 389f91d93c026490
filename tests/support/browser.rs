//! A real browser on a segment's server, driven by WebDriver: Debian's chromium by its chromedriver, and axe-core in it.

use super::{Running, SOON, Segment};
use fantoccini::{
    Client, ClientBuilder, Locator,
    wd::{Capabilities, WebDriverCompatibleCommand},
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::{
    fs,
    future::Future,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

/// What must be there.
pub const NEEDED: &[&str] = &["chromium", "chromedriver", AXE];
/// For [`super::can_run`].
pub const AXE: &str = "axe-core";

/// Where `./dev test` installs it: beside what cargo builds.
fn axe_file() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("axe").join("node_modules/axe-core/axe.min.js")
}

/// True where [`AXE`] is installed.
pub fn is_installed() -> bool {
    axe_file().exists()
}

/// A chromedriver in the segment's namespace. It ends with this, and its browsers with it.
pub struct Driver {
    _process: Running,
    port: u16,
    folder: tempfile::TempDir,
}

impl Driver {
    fn start(segment: &Segment) -> Driver {
        let folder = tempfile::tempdir().unwrap();
        let mut command = segment.command("chromedriver");
        command.args(["--port=0", "--log-level=WARNING"]).env("HOME", folder.path());
        let mut process = Running::spawn(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let mut lines = BufReader::new(process.child().stdout.take().unwrap()).lines().map_while(Result::ok);
        let said = lines.find(|line| line.contains("started successfully on port")).expect("chromedriver starts");
        let port = said.trim_end_matches('.').rsplit(' ').next().unwrap().parse().unwrap();
        // It ends if nobody reads what it says.
        std::thread::spawn(move || lines.count());
        Driver { _process: process, port, folder }
    }

    /// A browser with a profile of its own.
    pub async fn browser(&self, name: &str) -> Browser {
        let profile = self.folder.path().join(name);
        fs::create_dir_all(&profile).unwrap();
        let words = json!([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--hide-scrollbars",
            "--window-size=1280,900",
            format!("--user-data-dir={}", profile.display()),
        ]);
        let capabilities: Capabilities =
            serde_json::from_value(json!({ "browserName": "chrome", "goog:chromeOptions": { "args": words } }))
                .unwrap();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = builder.connect(&format!("http://127.0.0.1:{}", self.port)).await.expect("chromium starts");
        Browser(client)
    }
}

/// Does something with browsers on the segment's server.
pub fn with_driver<F: Future<Output = ()>>(segment: &Segment, work: impl FnOnce(Driver) -> F + Send) {
    segment.inside(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(work(Driver::start(segment)));
    });
}

/// A browser.
pub struct Browser(pub Client);

/// A command of the Chrome DevTools Protocol.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/goog/cdp/execute", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _: &url::Url) -> (axum::http::Method, Option<String>) {
        (axum::http::Method::POST, Some(json!({ "cmd": self.0, "params": self.1 }).to_string()))
    }
}

impl Browser {
    /// Opens a path of the server.
    pub async fn open(&self, path: &str) {
        self.0.goto(&format!("http://10.77.0.1{path}")).await.unwrap();
    }

    /// What a script gives.
    pub async fn ask(&self, script: &str) -> Value {
        self.0.execute(script, Vec::new()).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// The text of what this selects; none where there is no such thing.
    pub async fn text(&self, css: &str) -> Option<String> {
        let script = "const found = document.querySelector(arguments[0]); return found && found.innerText";
        let text = self.0.execute(script, vec![css.into()]).await.unwrap();
        text.as_str().map(str::to_owned)
    }

    /// Waits until what this selects has a text that is as wanted; the text.
    pub async fn wait(&self, css: &str, wanted: impl Fn(&str) -> bool) -> String {
        self.wait_for(css, SOON, wanted).await
    }

    /// As [`Browser::wait`], for at most `patience`.
    pub async fn wait_for(&self, css: &str, patience: Duration, wanted: impl Fn(&str) -> bool) -> String {
        let began = Instant::now();
        loop {
            let text = self.text(css).await;
            match text {
                Some(text) if wanted(&text) => return text,
                other => assert!(began.elapsed() < patience, "{css}: {other:?}\n{}", self.whole().await),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// All that is to be read.
    pub async fn whole(&self) -> String {
        self.text("body").await.unwrap_or_default()
    }

    /// Presses what this selects.
    pub async fn click(&self, css: &str) {
        let found = self.0.find(Locator::Css(css)).await.unwrap_or_else(|error| panic!("{css}: {error}"));
        found.click().await.unwrap_or_else(|error| panic!("{css}: {error}"));
    }

    /// Types into what this selects.
    pub async fn keys(&self, css: &str, text: &str) {
        self.0.find(Locator::Css(css)).await.unwrap().send_keys(text).await.unwrap();
    }

    /// `light` or `dark`, as its user wants it.
    pub async fn scheme(&self, scheme: &str) {
        let params = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.0.issue_cmd(DevTools("Emulation.setEmulatedMedia", params)).await.unwrap();
    }

    /// As wide and high as a device.
    pub async fn size(&self, width: u32, height: u32) {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.0.issue_cmd(DevTools("Emulation.setDeviceMetricsOverride", params)).await.unwrap();
    }

    /// What axe-core finds wrong, a line each.
    pub async fn axe(&self) -> Vec<String> {
        let script = fs::read_to_string(axe_file()).unwrap();
        self.0.execute(&script, Vec::new()).await.unwrap();
        let run = "const done = arguments[0];
            axe.run(document, { resultTypes: ['violations'] }).then((found) => done(found.violations.flatMap((rule) => rule.nodes.map((node) =>
                rule.id + ': ' + node.target.join(' ') + ': ' + node.failureSummary.replace(/\\s+/g, ' ')))), (error) => done(['' + error]))";
        let found = self.0.execute_async(run, Vec::new()).await.unwrap();
        found.as_array().unwrap().iter().map(|line| line.as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Keeps a picture where `PXELATOR_PICTURES` names a folder: for the README, and for who looks.
    pub async fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("PXELATOR_PICTURES") {
            let file = Path::new(&folder).join(format!("{name}.png"));
            fs::write(file, self.0.screenshot().await.unwrap()).unwrap();
        }
    }
}
