//! The local AWS, end to end: real installations, real servers, each in a folder of its own.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use pipewright::local::{self, Installer, Local, LocalError, Options, Progress, Status, Stopped, sdk_config};
use tempfile::TempDir;

const REGION: &str = "eu-central-1";

/// A project's folder whose local AWS ends with the test, whatever comes.
pub struct Project {
    folder: TempDir,
    progress: Mutex<Vec<Progress>>,
}

impl Project {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), progress: Mutex::default() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub async fn start(&self) -> Result<Local, LocalError> {
        local::start(self.path(), &|progress| self.progress.lock().unwrap().push(progress)).await
    }

    /// With permissions enforced, those of the function's role included.
    pub async fn start_strict(&self) -> Result<Local, LocalError> {
        let options = Options { enforce_iam: true, ..Options::from_environment().unwrap() };
        local::start_with(&options, self.path(), &|progress| self.progress.lock().unwrap().push(progress)).await
    }

    async fn stop(&self) -> Stopped {
        local::stop(self.path(), &|_| ()).await.unwrap()
    }

    async fn status(&self) -> Status {
        local::status(self.path()).await.unwrap()
    }

    async fn reset(&self) {
        local::reset(self.path(), &|_| ()).await.unwrap();
    }

    fn progress(&self) -> Vec<Progress> {
        std::mem::take(&mut self.progress.lock().unwrap())
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let file = self.path().join(".pipewright/local.pid");
        // Only while it holds its lock is the id certainly the server's.
        if fs::File::open(&file).is_ok_and(|file| file.try_lock_shared().is_err()) {
            kill(fs::read_to_string(&file).unwrap_or_default().trim());
        }
    }
}

fn kill(pid: &str) {
    Command::new("/bin/sh").args(["-c", r#"kill -KILL "$1""#, "sh", pid]).status().unwrap();
}

fn sqs(endpoint: &str, account: Option<&str>) -> aws_sdk_sqs::Client {
    aws_sdk_sqs::Client::new(&sdk_config(endpoint, account, REGION))
}

async fn queues(endpoint: &str, account: Option<&str>) -> Vec<String> {
    sqs(endpoint, account).list_queues().send().await.unwrap().queue_urls.unwrap_or_default()
}

async fn create_queue(endpoint: &str, account: Option<&str>) -> String {
    sqs(endpoint, account).create_queue().queue_name("orders").send().await.unwrap().queue_url.unwrap()
}

/// Runs this one test again in a process of its own, with other environment variables.
fn again(test: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([test, "--exact", "--nocapture"]).env("PIPEWRIGHT_TEST_AGAIN", test);
    command.envs(variables.iter().copied());
    command
}

fn is_again(test: &str) -> bool {
    std::env::var("PIPEWRIGHT_TEST_AGAIN").is_ok_and(|again| again == test)
}

#[tokio::test(flavor = "current_thread")]
async fn keeps_endpoint_and_state_over_an_orderly_stop() {
    let project = Project::new();
    assert_eq!(project.status().await, Status::Stopped { endpoint: None });
    assert_eq!(project.stop().await, Stopped::NotRunning, "and leaves no folder behind");
    assert!(!project.path().join(".pipewright").exists());

    let first = project.start().await.unwrap();
    let endpoint = first.endpoint().to_owned();
    assert!(endpoint.starts_with("http://127.0.0.1:"), "{endpoint}");
    assert_eq!(project.progress().last(), Some(&Progress::Ready { endpoint: endpoint.clone() }));
    let url = create_queue(&endpoint, None).await;
    assert_eq!(url, format!("{endpoint}/000000000000/orders"));
    assert_eq!(fs::read_to_string(project.path().join(".pipewright/.gitignore")).unwrap(), "*\n");

    let Stopped::Stopped { pid } = project.stop().await else { panic!("it was running") };
    assert_eq!(pid, first.pid());
    assert_eq!(project.status().await, Status::Stopped { endpoint: Some(endpoint.clone()) });
    assert_eq!(project.stop().await, Stopped::NotRunning);

    let second = project.start().await.unwrap();
    assert_eq!(second.endpoint(), endpoint);
    assert_ne!(second.pid(), first.pid());
    assert_eq!(queues(&endpoint, None).await, [url]);
}

#[tokio::test(flavor = "current_thread")]
async fn starting_what_runs_changes_nothing_and_says_nothing() {
    let project = Project::new();
    let first = project.start().await.unwrap();
    project.progress();
    assert_eq!(project.start().await.unwrap(), first);
    assert_eq!(project.progress(), []);
    let Status::Running { endpoint, pid, version, .. } = project.status().await else { panic!("it runs") };
    assert_eq!((endpoint.as_str(), pid, version.as_str()), (first.endpoint(), first.pid(), "1.5.33"));
}

#[tokio::test(flavor = "current_thread")]
async fn two_starts_at_once_make_one_server() {
    let project = Project::new();
    let (one, other) = tokio::join!(project.start(), project.start());
    assert_eq!(one.unwrap(), other.unwrap());
    let progress = project.progress();
    assert!(progress.contains(&Progress::Waiting), "{progress:?}");
    assert_eq!(progress.iter().filter(|progress| matches!(progress, Progress::Starting { .. })).count(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn reset_clears_every_account_running_or_not() {
    let project = Project::new();
    let endpoint = project.start().await.unwrap().endpoint().to_owned();
    for account in [None, Some("123456789012")] {
        create_queue(&endpoint, account).await;
    }
    project.reset().await;
    for account in [None, Some("123456789012")] {
        assert_eq!(queues(&endpoint, account).await, [""; 0]);
    }

    create_queue(&endpoint, None).await;
    project.stop().await;
    project.reset().await;
    assert_eq!(project.status().await, Status::Stopped { endpoint: None }, "stopped, it forgets its port, too");
    let endpoint = project.start().await.unwrap().endpoint().to_owned();
    assert_eq!(queues(&endpoint, None).await, [""; 0]);
}

#[tokio::test(flavor = "current_thread")]
async fn a_killed_server_is_noticed_and_started_again_at_its_port() {
    let project = Project::new();
    let killed = project.start().await.unwrap();
    kill(&killed.pid().unwrap().to_string());
    // The system takes the process away in its own time.
    while project.status().await != (Status::Stopped { endpoint: Some(killed.endpoint().to_owned()) }) {
        tokio::task::yield_now().await;
    }
    let next = project.start().await.unwrap();
    assert_eq!(next.endpoint(), killed.endpoint());
    assert_ne!(next.pid(), killed.pid());
}

#[tokio::test(flavor = "current_thread")]
async fn a_process_that_got_an_old_servers_id_is_left_alone() {
    let project = Project::new();
    project.start().await.unwrap();
    project.stop().await;
    let mut bystander = Command::new("/bin/cat").stdin(Stdio::piped()).spawn().unwrap();
    fs::write(project.path().join(".pipewright/local.pid"), bystander.id().to_string()).unwrap();

    assert_eq!(project.stop().await, Stopped::NotRunning);
    project.start().await.unwrap();
    project.stop().await;
    project.reset().await;
    assert_eq!(bystander.try_wait().unwrap(), None, "still there");
    drop(bystander.stdin.take());
    assert!(bystander.wait().unwrap().success());
}

#[tokio::test(flavor = "current_thread")]
async fn a_kept_port_that_somebody_else_has_is_an_error_and_not_given_up() {
    let project = Project::new();
    let endpoint = project.start().await.unwrap().endpoint().to_owned();
    project.stop().await;
    let port: u16 = endpoint.rsplit(':').next().unwrap().parse().unwrap();
    let somebody = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = somebody.accept() {
            let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\n\r\n");
        }
    });

    assert_eq!(project.status().await, Status::Foreign { endpoint });
    let error = project.start().await.unwrap_err();
    assert!(matches!(error, LocalError::PortTaken { port: taken, .. } if taken == port), "{error}");
    assert!(error.to_string().contains("hint:"), "{error}");
    assert_eq!(project.stop().await, Stopped::NotRunning);
    project.reset().await;
    assert!(!project.start().await.unwrap().endpoint().ends_with(&format!(":{port}")), "without state another will do");
}

#[tokio::test(flavor = "current_thread")]
async fn a_copied_project_is_not_taken_for_the_original() {
    let (original, copy) = (Project::new(), Project::new());
    let server = original.start().await.unwrap();
    fs::create_dir(copy.path().join(".pipewright")).unwrap();
    for file in ["local.json", "local.pid"] {
        fs::copy(original.path().join(".pipewright").join(file), copy.path().join(".pipewright").join(file)).unwrap();
    }
    assert_eq!(copy.status().await, Status::Foreign { endpoint: server.endpoint().to_owned() });
    assert_eq!(copy.stop().await, Stopped::NotRunning);
    copy.reset().await;
    assert!(matches!(original.status().await, Status::Running { .. }));
}

#[tokio::test(flavor = "current_thread")]
async fn a_damaged_record_stops_a_start_and_a_reset_mends_it() {
    let project = Project::new();
    project.start().await.unwrap();
    fs::write(project.path().join(".pipewright/local.json"), "{").unwrap();
    assert!(matches!(project.start().await, Err(LocalError::Record { .. })));
    project.reset().await;
    project.start().await.unwrap();
}

#[tokio::test(flavor = "current_thread")]
async fn another_setup_starts_the_server_again() {
    let project = Project::new();
    let open = project.start().await.unwrap();
    create_queue(open.endpoint(), None).await;
    let strict = project.start_strict().await.unwrap();
    assert_eq!(strict.endpoint(), open.endpoint());
    assert_ne!(strict.pid(), open.pid());
    assert_eq!(queues(strict.endpoint(), None).await.len(), 1, "root may, and the state is kept");
}

/// Every setting that could lead a client elsewhere leads to a trap; nothing must arrive there.
#[tokio::test(flavor = "current_thread")]
async fn nothing_of_the_users_aws_settings_is_used() {
    const TEST: &str = "local::nothing_of_the_users_aws_settings_is_used";
    if is_again(TEST) {
        return poisoned().await;
    }
    // Installed before: that step, and it alone, may use the user's proxy.
    Installer::from_environment().unwrap().install(&|_| ()).await.unwrap();
    let trap = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", trap.local_addr().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let profile = folder.path().join("config");
    fs::write(&profile, format!("[default]\nregion = poison-1\nendpoint_url = {url}\n")).unwrap();
    let profile = profile.to_str().unwrap();
    let child = again(
        TEST,
        &[
            ("AWS_ACCESS_KEY_ID", "AKIAPOISON"),
            ("AWS_SECRET_ACCESS_KEY", "poison"),
            ("AWS_SESSION_TOKEN", "poison"),
            ("AWS_PROFILE", "default"),
            ("AWS_CONFIG_FILE", profile),
            ("AWS_SHARED_CREDENTIALS_FILE", profile),
            ("AWS_REGION", "poison-1"),
            ("AWS_DEFAULT_REGION", "poison-1"),
            ("AWS_ENDPOINT_URL", &url),
            ("AWS_ENDPOINT_URL_SQS", &url),
            ("AWS_ENDPOINT_URL_STS", &url),
            ("AWS_ENDPOINT_URL_CLOUDWATCH", &url),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url),
            ("AWS_USE_FIPS_ENDPOINT", "true"),
            ("AWS_USE_DUALSTACK_ENDPOINT", "true"),
            ("AWS_CA_BUNDLE", "/poison"),
            ("AWS_MAX_ATTEMPTS", "poison"),
            ("HTTP_PROXY", &url),
            ("http_proxy", &url),
            ("ALL_PROXY", &url),
        ],
    )
    .output()
    .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));

    trap.set_nonblocking(true).unwrap();
    assert!(trap.accept().is_err(), "somebody came to the trap");
    let _visitor = TcpStream::connect(trap.local_addr().unwrap()).unwrap();
    trap.set_nonblocking(false).unwrap();
    trap.accept().expect("the trap would have noticed");
}

async fn poisoned() {
    let project = Project::new();
    let server = project.start().await.unwrap();
    let config = sdk_config(server.endpoint(), Some("123456789012"), REGION);
    let identity = aws_sdk_sts::Client::new(&config).get_caller_identity().send().await.unwrap();
    assert_eq!(identity.account(), Some("123456789012"), "an access key of 12 digits is an account of its own");
    let url = create_queue(server.endpoint(), Some("123456789012")).await;
    assert_eq!(url, format!("{}/123456789012/orders", server.endpoint()));
    if let Ok(environment) = fs::read(format!("/proc/{}/environ", server.pid().unwrap())) {
        let environment = String::from_utf8_lossy(&environment).to_lowercase();
        assert!(environment.contains("gateway_port="), "{environment}");
        assert!(!environment.contains("poison") && !environment.contains("proxy"), "{environment}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_killed_installation_leaves_nothing_half_and_two_at_once_end_well() {
    const TEST: &str = "local::a_killed_installation_leaves_nothing_half_and_two_at_once_end_well";
    if is_again(TEST) {
        // Tells its progress to the one that will kill it.
        let installer = Installer::from_environment().unwrap();
        installer.install(&|progress| writeln!(std::io::stderr(), "{progress}").unwrap()).await.unwrap();
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let mut child = again(TEST, &[("PIPEWRIGHT_CACHE_DIR", cache.path().to_str().unwrap())])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let told = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let in_the_middle = told.map_while(Result::ok).find(|line| line.ends_with("cbor2 6.3.0"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(in_the_middle.is_some());

    let installer = Installer { cache: cache.path().to_owned(), ..Installer::from_environment().unwrap() };
    let (one, other) = tokio::join!(installer.install(&|_| ()), installer.install(&|_| ()));
    let place = one.unwrap();
    assert_eq!(other.unwrap(), place);
    let mut names: Vec<_> = fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["install.lock".as_ref(), place.file_name().unwrap()]);
    let works = Command::new(place.join("bin/python")).args(["-I", "-c", "import ministack, cbor2"]).status().unwrap();
    assert!(works.success());
}

#[tokio::test(flavor = "current_thread")]
async fn without_the_package_index_pips_own_words_are_shown() {
    const TEST: &str = "local::without_the_package_index_pips_own_words_are_shown";
    if is_again(TEST) {
        let installer = Installer::from_environment().unwrap();
        let error = installer.install(&|_| ()).await.unwrap_err();
        assert!(matches!(&error, LocalError::Install { output } if output.contains("botocore==")), "{error}");
        assert!(error.to_string().contains("hint:"), "{error}");
        let left = fs::read_dir(&installer.cache).unwrap().map(|entry| entry.unwrap().file_name());
        assert_eq!(left.collect::<Vec<_>>(), ["install.lock"]);
        return;
    }
    let (cache, empty) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let child = again(
        TEST,
        &[
            ("PIPEWRIGHT_CACHE_DIR", cache.path().to_str().unwrap()),
            ("PIP_NO_INDEX", "1"),
            ("PIP_FIND_LINKS", empty.path().to_str().unwrap()),
        ],
    )
    .output()
    .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
}
