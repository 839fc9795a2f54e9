//! The plan: what a pod lacks of its identity. It is made once, then read by injection, mode Verify, the audit annotations
//! and explanations alike.

use super::hand_over::{self, HandOver};
use super::injected_pod::{InjectedPod, Purpose};
use super::later::{self, LaterContainer};
use super::mark::Mark;
use super::needs::ContainerNeeds;
use super::new_mark::NewMark;
use super::places::places;
use super::proxy::Injected;
use super::token_volume::{TokenVolume, TokenVolumeState};
use super::wanted::{Wanted, WantedMount};
use crate::findings::{Findings, LARGEST_GROWTH, LARGEST_POD, Problem, Severity};
use crate::identity::Identity;
use crate::json::{Edits, End, Fields};
use crate::keys;
use crate::layout::Layout;
use crate::messages::Excerpt;
use crate::objects::{ContainerPlace, MetadataPlaces};
use crate::settings::Settings;
use crate::values;

/// What is to be added to a pod so that its containers have the identity.
#[derive(Clone, Debug)]
pub struct Plan<'p, 'a> {
    pod: InjectedPod<'p, 'a>,
    wanted: Wanted<'p>,
    volume: TokenVolume<'p, 'a>,
    containers: Vec<ContainerNeeds<'p, 'a>>,
    /// The containers that other webhooks add later.
    later: Vec<LaterContainer>,
    more: Option<Box<MorePlan<'p, 'a>>>,
    /// How many bytes are to be added, rounded up.
    growth: usize,
}

/// What settings may add to a plan.
#[derive(Clone, Debug, Default)]
struct MorePlan<'p, 'a> {
    /// The volume that has the token for older layouts, if it is another one.
    older_volume: Option<TokenVolume<'p, 'a>>,
    /// What the pod's annotations are to tell Dapr.
    hand_over: Option<HandOver>,
    /// The indexes of volumes that were injected, and that nothing mounts any more.
    removed_volumes: Vec<usize>,
    /// The text of the pod's mark, if it gets one.
    mark: Option<String>,
}

impl<'p, 'a> MorePlan<'p, 'a> {
    #[cold]
    #[inline(never)]
    fn with_older_volume(
        pod: InjectedPod<'p, 'a>,
        identity: &Identity<'_>,
        findings: &mut Findings,
    ) -> Box<Self> {
        let mark = pod.review.volume_mark();
        let volume = TokenVolume::of(pod, OLDER, identity, mark, findings);
        Box::new(Self {
            older_volume: Some(volume),
            ..Self::default()
        })
    }

    /// Finds out how to hand the identity over to Dapr, and gives whether it can be.
    #[cold]
    #[inline(never)]
    fn hand_over(
        &mut self,
        pod: InjectedPod<'p, 'a>,
        wanted: &Wanted<'_>,
        ours: Option<(&Mark<'_>, usize)>,
        findings: &mut Findings,
    ) -> bool {
        let hand_over = HandOver::new(pod, wanted, ours, findings);
        let is_whole = hand_over.is_whole;
        self.hand_over = Some(hand_over);
        is_whole
    }

    /// How many bytes are to be added by it, rounded up.
    #[inline(never)]
    fn growth(&self) -> usize {
        let volume = self.older_volume.as_ref().map_or(0, TokenVolume::growth);
        let handed_over = self.hand_over.as_ref();
        let handed_over = handed_over.map_or(0, |hand_over| hand_over.growth);
        // In the pod, the quotes of the mark are escaped.
        let mark = self.mark.as_ref().map_or(0, String::len).saturating_mul(2);
        [volume, handed_over, mark]
            .into_iter()
            .fold(0, usize::saturating_add)
    }
}

/// The layout whose volume has the token where older layouts have it.
const OLDER: Layout = Layout::V1_5;

/// How many volumes are removed at most: more than the policy injects.
const MOST_VOLUMES: usize = 8;

/// Whether a pod that grows by so many bytes becomes too large.
fn is_excess(pod: InjectedPod<'_, '_>, growth: usize) -> bool {
    let total = pod.bytes.saturating_add(growth);
    growth > LARGEST_GROWTH || growth > 0 && total > LARGEST_POD
}

/// What a container of the pod gets and has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerOutcome {
    /// Its name.
    pub name: String,
    /// Whether it is an init container.
    pub is_init: bool,
    /// Whether it is added by the policy.
    pub is_added: bool,
    /// Whether annotation `skip-containers` lists it.
    pub is_skipped: bool,
    /// The variables that it gets.
    pub gets_env: Vec<String>,
    /// Those that were injected, and get another value or go.
    pub renews_env: Vec<String>,
    /// Where it gets the token.
    pub gets_mounts: Vec<String>,
    /// The variables of an identity that it sets itself.
    pub keeps_env: Vec<String>,
}

impl<'p, 'a> Plan<'p, 'a> {
    /// Finds out what the pod lacks; what is in the way of it is added to `findings`.
    // With a frame of its own, and on the heap: see `review::decide`.
    #[inline(never)]
    pub fn new(
        pod: InjectedPod<'p, 'a>,
        settings: &Settings<'_>,
        identity: &'p Identity<'p>,
        findings: &mut Findings,
    ) -> Box<Self> {
        let layout = settings.layout;
        let renewed = pod.review.renewed_mark();
        let mark = pod.review.volume_mark();
        let volume = TokenVolume::of(pod, layout, identity, mark, findings);
        let mut more = None;
        if !settings.also_mount_as.is_empty() && layout.token_path() != OLDER.token_path() {
            more = Some(MorePlan::with_older_volume(pod, identity, findings));
        }
        let older = more.as_ref().and_then(|more| more.older_volume.as_ref());
        let older = (&*settings.also_mount_as, older.unwrap_or(&volume));
        let wanted = Wanted::new(identity, (layout, &volume), older);
        let mut growth = volume.growth();
        for name in pod.new_containers() {
            let proxy = pod.proxy.map_or(0, |proxy| proxy.length(name));
            growth = growth.saturating_add(proxy).saturating_add(wanted.length());
        }
        let marked = pod.review.mark.map(|mark| places(&mut mark.containers()));
        let marked = |name: &str| Some(*marked.as_ref()?.get(name)?);
        let mut containers = Vec::new();
        let way = wanted.way(pod, &wanted.mount);
        let older_mounts = wanted.older_mounts.iter();
        let older_ways: Vec<_> = older_mounts.map(|mount| wanted.way(pod, mount)).collect();
        let ways = (&way, &*older_ways);
        for (place, container) in pod.spec.all_containers() {
            if is_excess(pod, growth) {
                // The pod is rejected, whatever the other containers lack.
                break;
            }
            if pod.skip.contains(&container.name) {
                continue;
            }
            let marked = marked(&container.name);
            let container = (place, container);
            let needs = ContainerNeeds::new(pod, container, &wanted, ways, marked, findings);
            growth = growth.saturating_add(needs.growth(&wanted));
            containers.push(needs);
        }
        let mut later = Vec::new();
        if !pod.metadata.injectors().is_empty() {
            let mut hands_over = None;
            let ours = renewed.zip(marked(hand_over::CONTAINER));
            if hand_over::is_asked_for(pod, &wanted, settings) {
                let more = more.get_or_insert_default();
                hands_over = Some(more.hand_over(pod, &wanted, ours, findings));
            } else if ours.is_some() && hand_over::is_taken_back(pod, settings) {
                let more = more.get_or_insert_default();
                more.hand_over = Some(HandOver::taken_back(pod, ours));
            }
            later = later::containers(pod, settings, hands_over, findings);
        }
        let mut plan = Box::new(Self {
            pod,
            wanted,
            volume,
            containers,
            later,
            more,
            growth,
        });
        if settings.mark && pod.review.purpose == Purpose::Inject {
            plan.add_mark();
        }
        let added = plan.more.as_ref().map_or(0, |more| more.growth());
        plan.growth = plan.growth.saturating_add(added);
        plan
    }

    #[cold]
    #[inline(never)]
    fn add_mark(&mut self) {
        let removed_volumes = self.outdated_volumes();
        let handed_over = self.more.as_ref().and_then(|more| more.hand_over.as_ref());
        let others = handed_over.map_or(0, |hand_over| hand_over.growth);
        let names = [keys::MARK].into_iter().chain(hand_over::ANNOTATIONS);
        let others = names.map(str::len).fold(others, usize::saturating_add);
        let has_room = |mark: &String| {
            let growth = mark.len().saturating_add(others);
            let places = self.pod.review.places;
            places.is_some_and(|places| places.can_grow_by(growth))
        };
        let mark = self.new_mark().filter(has_room);
        let more = self.more.get_or_insert_default();
        more.removed_volumes = removed_volumes;
        more.mark = mark;
    }

    /// Whether some container gets or has no client ID: the identity has none, and the container has no value of its own.
    pub fn lacks_client_id(&self) -> bool {
        let mut new = self.pod.new_containers();
        self.wanted.identity.client_id.is_none()
            && (!self.pod.spec.knows_containers
                || new.any(|name| !self.pod.skip.contains(name))
                || self.containers.iter().any(|needs| {
                    let own = needs.container.env_var(keys::AZURE_CLIENT_ID);
                    own.is_none_or(|own| own.is_empty()) || needs.renews(keys::AZURE_CLIENT_ID)
                }))
    }

    /// Adds to the findings if the pod would become too large, and says whether. Nothing has been written by then.
    pub fn reject_excess(&self, findings: &mut Findings) -> bool {
        let Self { pod, growth, .. } = self;
        let is_excess = is_excess(*pod, *growth);
        if is_excess {
            let problem = Problem::TooLarge {
                bytes: pod.bytes.saturating_add(*growth),
                added: *growth,
            };
            findings.reject(pod.about, problem);
        }
        is_excess
    }

    /// The names of the containers that get something.
    pub fn injected_containers(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.pod.new_containers() {
            if !self.pod.skip.contains(name) {
                names.push(name);
            }
        }
        names.extend(
            self.containers
                .iter()
                .filter(|needs| needs.is_changed())
                .map(|needs| &*needs.container.name),
        );
        names
    }

    /// The names of the containers that are left alone because the pod says so.
    pub fn skipped_containers(&self) -> Vec<&str> {
        self.pod.skip.known()
    }

    /// Adds what the pod lacks to the findings, one for each container.
    pub fn reject_missing(&self, findings: &mut Findings) {
        let about = self.pod.about;
        for needs in &self.containers {
            needs.reject_missing(self.pod, &self.wanted, findings);
        }
        for name in self.pod.new_containers() {
            findings.reject(about, Problem::ContainerMissing { name });
        }
        for volume in self.volumes() {
            let name = Excerpt::new(volume.name());
            match volume.state() {
                TokenVolumeState::Missing => {
                    findings.reject(about, Problem::VolumeMissing { name });
                }
                TokenVolumeState::Outdated => {
                    let mark = self.pod.review.mark;
                    let is_ours = mark.is_some_and(|mark| mark.has_volume(volume.name()));
                    let severity = match self.pod.review.purpose {
                        Purpose::Verify {
                            on_drift: Some(severity),
                        } if is_ours => severity,
                        _ => Severity::Reject,
                    };
                    findings.add(about, severity, Problem::VolumeOutdated { name });
                }
                TokenVolumeState::Present => {}
            }
        }
    }

    /// The edits that give the pod all that it lacks; none if it lacks nothing.
    pub fn edits(&self) -> Edits {
        let mut edits = Edits::default();
        // In the order of the text: the host sorts keys, so `containers` comes before `initContainers`.
        let is_init = |needs: &&ContainerNeeds<'_, '_>| needs.place.is_init();
        for needs in self.containers.iter().filter(|needs| !is_init(needs)) {
            needs.edit(self.pod, &self.wanted, &mut edits);
        }
        for needs in self.containers.iter().filter(is_init) {
            needs.edit(self.pod, &self.wanted, &mut edits);
        }
        let mut new_fields = Fields::default();
        if let Some(proxy) = &self.pod.proxy {
            let mounts = self.wanted.mounts();
            let mounts: Vec<_> = mounts.map(|mount| &*mount.json).collect();
            let injected = Injected {
                env: &self.wanted.env,
                volume_mounts: &mounts,
            };
            let injected_into = |name: &str| (!self.pod.skip.contains(name)).then_some(injected);
            proxy.add(self.pod.spec, injected_into, &mut edits, &mut new_fields);
        }
        let mut place = self.pod.spec.volumes.place;
        if let Some(more) = &self.more {
            let removed = more.removed_volumes.iter().map(|index| (*index, None));
            let removed: Vec<_> = removed.collect();
            place = edits.change_items(self.pod.review.text, place, &removed);
        }
        let mut new = Vec::new();
        for volume in self.volumes() {
            volume.update(self.wanted.identity, &mut edits);
            new.extend(volume.new_json());
        }
        edits.add_items(place, "volumes", End::Back, &new, &mut new_fields);
        edits.add_fields(self.pod.spec.object, new_fields);
        if let Some((more, places)) = self.more.as_ref().zip(self.pod.review.places) {
            self.edit_metadata(more, places, &mut edits);
        }
        edits
    }

    /// The token volumes.
    fn volumes(&self) -> impl Iterator<Item = &TokenVolume<'p, 'a>> {
        let older = self
            .more
            .as_ref()
            .and_then(|more| more.older_volume.as_ref());
        [Some(&self.volume), older].into_iter().flatten()
    }

    #[inline(never)]
    fn edit_metadata(
        &self,
        more: &MorePlan<'_, '_>,
        places: &MetadataPlaces<'_>,
        edits: &mut Edits,
    ) {
        let mut labels = Vec::new();
        let mut annotations = Vec::new();
        if let Some(hand_over) = &more.hand_over {
            let needed = hand_over
                .annotations()
                .into_iter()
                .filter(|(key, text)| !text.is_empty() || places.annotation(key).is_some());
            annotations.extend(needed);
        }
        if let Some(mark) = &more.mark {
            annotations.push((keys::MARK, &**mark));
            let client_id = self.wanted.identity.client_id;
            let client_id = client_id.and_then(|id| values::label_value(id.value).ok());
            labels.push((keys::MARKED_CLIENT_ID, client_id.unwrap_or_default()));
        }
        places.set(&labels, &annotations, edits);
    }

    /// The indexes of the volumes that were injected, and that nothing mounts any more.
    #[inline(never)]
    fn outdated_volumes(&self) -> Vec<usize> {
        let Some(mark) = self.pod.review.mark else {
            return Vec::new();
        };
        let mut outdated = Vec::new();
        for name in mark.volumes().take(MOST_VOLUMES) {
            let is_wanted = |mount: &WantedMount<'_>| mount.volume == name;
            let mut volumes = self.pod.spec.volumes.items.iter();
            let index = volumes.position(|volume| volume.name == name && mark.gave_volume(volume));
            let Some(index) = index.filter(|_| !self.wanted.mounts().any(is_wanted)) else {
                continue;
            };
            let at = outdated.partition_point(|known| *known < index);
            if outdated.get(at) != Some(&index) && !self.still_mounts(name) {
                outdated.insert(at, index);
            }
        }
        outdated
    }

    /// Whether a container, or the one that Dapr adds, has a mount of this volume in the end.
    fn still_mounts(&self, volume: &str) -> bool {
        let hand_over = self.more.as_ref().and_then(|more| more.hand_over.as_ref());
        if hand_over::mounts(self.pod, hand_over, volume) {
            return true;
        }
        let mut needed = self.containers.iter().peekable();
        self.pod.spec.all_containers().any(|(place, container)| {
            let needs = needed.next_if(|needs| needs.place == place);
            let removes = |index| needs.is_some_and(|needs| needs.removes_mount(index));
            let mut mounts = container.volume_mounts.items.iter().enumerate();
            mounts.any(|(index, mount)| mount.name == volume && !removes(index))
        })
    }

    /// The text of the pod's mark; `None` if nothing was injected.
    #[inline(never)]
    fn new_mark(&self) -> Option<String> {
        let old = self.pod.review.mark;
        let is_ours = |volume: &&TokenVolume<'_, '_>| match volume.present() {
            Some(volume) => old.is_some_and(|mark| mark.gave_volume(volume)),
            None => true,
        };
        let volumes: Vec<_> = self
            .volumes()
            .filter(is_ours)
            .map(TokenVolume::name)
            .collect();
        let mut mark = NewMark::new(&self.wanted, &volumes);
        let skip = self.pod.skip;
        let mut new = self
            .pod
            .new_containers()
            .filter(|name| !skip.contains(name))
            .peekable();
        let is_init = |name: &&str| self.pod.proxy.is_some_and(|proxy| proxy.is_init(name));
        // In the order that they will have in the pod.
        let comes_first = self.pod.proxy.is_some_and(|proxy| proxy.comes_first());
        let mut needed = self.containers.iter().peekable();
        let mut add_new = |mark: &mut NewMark, until: &dyn Fn(&&str) -> bool| {
            while let Some(name) = new.next_if(|name| until(name)) {
                mark.add(name, &[]);
            }
        };
        if comes_first {
            add_new(&mut mark, &is_init);
        }
        while let Some(needs) = needed.next_if(|needs| needs.place.is_init()) {
            needs.mark(old, &self.wanted, &mut mark);
        }
        add_new(&mut mark, &|_| true);
        for needs in needed {
            needs.mark(old, &self.wanted, &mut mark);
        }
        let hand_over = self.more.as_ref().and_then(|more| more.hand_over.as_ref());
        if let Some(hand_over) = hand_over.filter(|hand_over| hand_over.is_whole) {
            let kept: Vec<_> = hand_over.kept.iter().map(String::as_str).collect();
            mark.add(hand_over::CONTAINER, &kept);
        }
        (!mark.is_empty() || !volumes.is_empty()).then(|| mark.into_text())
    }

    /// What becomes of the containers that other webhooks add later.
    pub fn later_containers(&self) -> &[LaterContainer] {
        &self.later
    }

    /// Whether a container's variable was injected, and gets another value or goes.
    pub fn renews(&self, place: ContainerPlace, name: &str) -> bool {
        let containers = &self.containers;
        let key = |place: ContainerPlace| (!place.is_init(), place.index);
        let found = containers.binary_search_by_key(&key(place), |needs| key(needs.place));
        let needs = found.ok().and_then(|index| containers.get(index));
        needs.is_some_and(|needs| needs.renews(name))
    }

    /// The token volume: its name, and whether it was there.
    pub fn token_volume(&self) -> (&str, TokenVolumeState) {
        (self.volume.name(), self.volume.state())
    }

    /// What each container gets and has, those of the proxy first.
    pub fn container_outcomes(&self) -> Vec<ContainerOutcome> {
        let mut outcomes = Vec::new();
        for name in self.pod.new_containers() {
            let is_skipped = self.pod.skip.contains(name);
            outcomes.push(ContainerOutcome {
                name: name.to_owned(),
                is_init: self.pod.proxy.is_some_and(|proxy| proxy.is_init(name)),
                is_added: true,
                is_skipped,
                gets_env: Vec::new(),
                renews_env: Vec::new(),
                gets_mounts: Vec::new(),
                keeps_env: Vec::new(),
            });
        }
        let mut needed = self.containers.iter().peekable();
        for (place, container) in self.pod.spec.all_containers() {
            let needs = needed.next_if(|needs| needs.place == place);
            let is_skipped = self.pod.skip.contains(&container.name);
            if needs.is_none() && !is_skipped {
                // The pod is too large, and nobody looked further.
                break;
            }
            let keeps = match needs {
                Some(needs) => needs.kept_env(self.pod.review.mark, &self.wanted),
                None => {
                    let wanted = self.wanted.env.iter().map(|new| new.name);
                    wanted.filter(|name| container.has_env(name)).collect()
                }
            };
            let mounts = needs.map(|needs| needs.new_mounts(&self.wanted));
            let mounts = mounts.into_iter().flatten();
            outcomes.push(ContainerOutcome {
                name: container.name.to_string(),
                is_init: place.is_init(),
                is_added: false,
                is_skipped,
                gets_env: needs
                    .map(|needs| {
                        needs
                            .lacking_env(&self.wanted)
                            .map(|new| new.name.to_owned())
                            .collect()
                    })
                    .unwrap_or_default(),
                renews_env: needs
                    .map(|needs| needs.renewed_env().map(str::to_owned).collect())
                    .unwrap_or_default(),
                gets_mounts: mounts.map(|mount| mount.path.to_string()).collect(),
                keeps_env: owned(&keeps),
            });
        }
        outcomes
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
