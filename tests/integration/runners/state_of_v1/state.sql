BEGIN TRANSACTION;
CREATE TABLE action_items (
	incident INTEGER NOT NULL, 
	number INTEGER NOT NULL, 
	text TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	due DATE NOT NULL, 
	done_at DATETIME, 
	done_by TEXT, 
	CONSTRAINT pk_action_items PRIMARY KEY (incident, number), 
	CONSTRAINT fk_action_items_incident FOREIGN KEY(incident) REFERENCES incidents (id)
);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('v1');
CREATE TABLE alert_groups (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	digest TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	opened_at DATETIME NOT NULL, 
	resolved_at DATETIME, 
	answer TEXT NOT NULL, 
	answered_by TEXT, 
	silent_until DATETIME, 
	incident INTEGER, 
	version INTEGER NOT NULL, 
	shown INTEGER NOT NULL, 
	CONSTRAINT uq_alert_groups_digest UNIQUE (digest)
);
CREATE TABLE alerts (
	fingerprint TEXT NOT NULL, 
	starts_at DATETIME NOT NULL, 
	group_id INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	labels TEXT NOT NULL, 
	summary TEXT NOT NULL, 
	ends_at DATETIME, 
	CONSTRAINT pk_alerts PRIMARY KEY (fingerprint, starts_at), 
	CONSTRAINT fk_alerts_group_id FOREIGN KEY(group_id) REFERENCES alert_groups (id)
);
CREATE TABLE backups (
	source TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	place TEXT NOT NULL, 
	is_off_site BOOLEAN NOT NULL, 
	moment DATETIME NOT NULL, 
	size BIGINT NOT NULL, 
	fault TEXT NOT NULL, 
	mark TEXT NOT NULL, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_backups PRIMARY KEY (source, kind, name, place)
);
CREATE TABLE codes (
	id INTEGER NOT NULL, 
	site TEXT NOT NULL, 
	proof TEXT NOT NULL, 
	person TEXT NOT NULL, 
	claim TEXT NOT NULL, 
	sealed TEXT NOT NULL, 
	typed_by TEXT, 
	entrance TEXT NOT NULL, 
	place TEXT NOT NULL, 
	asked_at DATETIME NOT NULL, 
	answer TEXT, 
	signature TEXT, 
	CONSTRAINT pk_codes PRIMARY KEY (id)
);
CREATE TABLE confirmations (
	subject TEXT NOT NULL, 
	person TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT pk_confirmations PRIMARY KEY (subject, person)
);
CREATE TABLE cursors (
	name TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	CONSTRAINT pk_cursors PRIMARY KEY (name)
);
CREATE TABLE drills (
	incident INTEGER NOT NULL, 
	level INTEGER NOT NULL, 
	site TEXT NOT NULL, 
	runbook TEXT NOT NULL, 
	service TEXT, 
	asked_by TEXT NOT NULL, 
	asked_at DATETIME NOT NULL, 
	rehearsed BOOLEAN NOT NULL, 
	state TEXT NOT NULL, 
	owner TEXT, 
	lease_until DATETIME, 
	instance TEXT NOT NULL, 
	broke_at DATETIME, 
	ended_at DATETIME, 
	"end" TEXT, 
	why TEXT, 
	rto_seconds FLOAT, 
	rpo_seconds FLOAT, 
	production_changes TEXT NOT NULL, 
	leftovers TEXT NOT NULL, 
	packets_to_production INTEGER, 
	lost_packets INTEGER, 
	recovery_seconds FLOAT, 
	half_seconds FLOAT, 
	steps TEXT NOT NULL, 
	CONSTRAINT pk_drills PRIMARY KEY (incident), 
	CONSTRAINT fk_drills_incident FOREIGN KEY(incident) REFERENCES incidents (id)
);
CREATE TABLE enrolments (
	site TEXT NOT NULL, 
	person TEXT NOT NULL, 
	sealed TEXT NOT NULL, 
	CONSTRAINT pk_enrolments PRIMARY KEY (site, person)
);
CREATE TABLE events (
	seq BIGINT NOT NULL, 
	at DATETIME NOT NULL, 
	kind TEXT NOT NULL, 
	incident INTEGER, 
	run TEXT, 
	step TEXT, 
	person TEXT, 
	payload TEXT NOT NULL, 
	previous TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (seq)
);
INSERT INTO "events" VALUES(1,'2026-12-01 01:38:47.230533','incident.declared',1,NULL,NULL,'aiko','{"level":2,"reported_at":"2026-11-26T12:00:00.000000+00:00","service":null,"site":"production","title":"It broke"}','0000000000000000000000000000000000000000000000000000000000000000','021a38d4ef0555b515433e5436bb01719466efa235c9f1b40d76e9b2cb52f513');
INSERT INTO "events" VALUES(2,'2026-12-01 01:38:47.257123','run.queued',1,'r1-20261201-013847-26e4',NULL,'aiko','{"arguments":{},"kind":"recover","runbook":"level2-postgres"}','021a38d4ef0555b515433e5436bb01719466efa235c9f1b40d76e9b2cb52f513','d0e4084c4600b15a78af8e6ec20b00b3726f487b0ace96023d296b3fc31780f4');
INSERT INTO "events" VALUES(3,'2026-12-01 01:38:47.286785','run.claimed',1,'r1-20261201-013847-26e4',NULL,NULL,'{"epoch":1,"owner":"worker_fixture"}','d0e4084c4600b15a78af8e6ec20b00b3726f487b0ace96023d296b3fc31780f4','aa0c203b64ea238312e7175b5560cc4ff8a61a4aa63d024e418f5118e4321943');
INSERT INTO "events" VALUES(4,'2026-12-01 01:38:47.376643','run.planned',1,'r1-20261201-013847-26e4',NULL,NULL,'{"headline":{"say":"{title}: {system}, from {name} (data as of {as_of})","with":{"as_of":"2026-11-26 11:00:00 UTC","name":"all_databases_1.sql.gz","system":"ai-micro-service","title":{"say":"restore from a backup","with":{}}}},"seal":"2a5c23d2d27aa91a46974c708dd077fcb513b224df22053fb59d674d6f5de6a5","signature":"V6A-t-WD8_gSS-Wm-5nJ7-pzbP5-EWb6cu2ShlzLasLY6wtHCH1MBUhBlVOdc4o8UneSAgliIyhywcK6NG7kBQ","warnings":[{"say":"The steps are those of a runbook of your own, not of one that comes with drbot: {files}","with":{"files":{"joint":"{one}, {other}","parts":["level2-postgres.yml"]}}},{"say":"The backup was {age} old at this plan; backups.max_age is {most}.","with":{"age":{"say":"{days} d {hours} h","with":{"days":4,"hours":14}},"most":{"say":"{hours} h {minutes} min","with":{"hours":6,"minutes":"00"}}}}]}','aa0c203b64ea238312e7175b5560cc4ff8a61a4aa63d024e418f5118e4321943','d97f1db4c94bb72560942cdc4f6ebb49bfd133a21f37611e97b8c46ac03d742f');
INSERT INTO "events" VALUES(5,'2026-12-01 01:38:47.417771','request.opened',1,'r1-20261201-013847-26e4','approval',NULL,'{"expires_at":"2026-12-01T02:08:47.417771+00:00","gate":"approval","people":2,"request":"r1-20261201-013847-26e4-q1","requesters":["aiko"],"seal":"2a5c23d2d27aa91a46974c708dd077fcb513b224df22053fb59d674d6f5de6a5","target":"production"}','d97f1db4c94bb72560942cdc4f6ebb49bfd133a21f37611e97b8c46ac03d742f','0107dc09b9e6c7fb31517e5f0f9ef01611003143f30bb5e93e768835a00e2beb');
INSERT INTO "events" VALUES(6,'2026-12-01 01:38:47.508187','step.started',1,'r1-20261201-013847-26e4','evidence',NULL,'{"attempt":1,"title":{"say":"Keep logs and state as evidence","with":{}}}','0107dc09b9e6c7fb31517e5f0f9ef01611003143f30bb5e93e768835a00e2beb','22b3a6dee67fa7be5a9a135f82b65b26a5aee7f4da590ac0e4aace0460a5701d');
INSERT INTO "events" VALUES(7,'2026-12-01 01:38:47.560905','step.started',1,'r1-20261201-013847-26e4','check-backup',NULL,'{"attempt":1,"title":{"say":"Check the backup","with":{}}}','22b3a6dee67fa7be5a9a135f82b65b26a5aee7f4da590ac0e4aace0460a5701d','b4635be9a66d9634423f5d4e6eb02482e7f8bbb590a05e191165cdacf995b59c');
INSERT INTO "events" VALUES(8,'2026-12-01 01:38:47.577027','step.succeeded',1,'r1-20261201-013847-26e4','evidence',NULL,'{"seconds":0.0020775599996341043,"summary":{"joint":"{one} {other}","parts":["evidence.collect is done."]}}','b4635be9a66d9634423f5d4e6eb02482e7f8bbb590a05e191165cdacf995b59c','a94df03ffba370be05e4fc97c0de13ef1f390c663ff358bfe0b80acefc717833');
INSERT INTO "events" VALUES(9,'2026-12-01 01:38:47.595732','step.succeeded',1,'r1-20261201-013847-26e4','check-backup',NULL,'{"seconds":0.001,"summary":{"joint":"{one} {other}","parts":["backup.check is done.","Asked {''backup'': ''all_databases_1.sql.gz''}."]}}','a94df03ffba370be05e4fc97c0de13ef1f390c663ff358bfe0b80acefc717833','b9558bc501cb7695a10bbe34cf57e246e51f1a19ae8a1b6bc424e38f88ba2625');
INSERT INTO "events" VALUES(10,'2026-12-01 01:38:47.611151','step.started',1,'r1-20261201-013847-26e4','restore-beside',NULL,'{"attempt":1,"title":{"say":"Restore into a new volume","with":{}}}','b9558bc501cb7695a10bbe34cf57e246e51f1a19ae8a1b6bc424e38f88ba2625','ea530964a95849e7a3217e66abc53c05cd6a21276ace345611a00e7e44e2808c');
INSERT INTO "events" VALUES(11,'2026-12-01 01:38:48.288709','step.unsure',1,'r1-20261201-013847-26e4','restore-beside',NULL,'{"probe":["postgres.beside_rows"],"why":{"say":"Its worker stopped answering.","with":{}}}','ea530964a95849e7a3217e66abc53c05cd6a21276ace345611a00e7e44e2808c','c49e01e7c3bea3a04d095271e167c71ab744450f42f307403bb68893195cf97f');
INSERT INTO "events" VALUES(12,'2026-12-01 01:38:48.288709','run.needs_decision',1,'r1-20261201-013847-26e4','restore-beside',NULL,'{"choices":["retry","undo","stop"],"question":{"say":"The worker died during \"{step}\". Nobody knows whether it was done.","with":{"step":{"say":"Restore into a new volume","with":{}}}},"step":"restore-beside"}','c49e01e7c3bea3a04d095271e167c71ab744450f42f307403bb68893195cf97f','c871ee47e50a8c41e88905a245b57be3742627a5021eab93787adfa89fc2cc33');
INSERT INTO "events" VALUES(13,'2026-12-01 01:38:48.605397','run.needs_decision',1,'r1-20261201-013847-26e4','restore-beside',NULL,'{"broken":[],"choices":["retry","undo","stop"],"finding":{"say":"Its check does not pass, so it looks not done: {found}","with":{"found":{"joint":"{one} {other}","parts":["Asked {''expect'': ''manifest'', ''volume'': ''postgres_data_r1-20261201-013847-26e4''}."]}}},"passed":false,"question":{"joint":"{one} {other}","parts":[{"say":"{step} ({id}): its worker died, so nobody knows whether it was done.","with":{"id":"restore-beside","step":{"say":"Restore into a new volume","with":{}}}},{"say":"Nothing of it is running any more.","with":{}},{"say":"Its check does not pass, so it looks not done: {found}","with":{"found":{"joint":"{one} {other}","parts":["Asked {''expect'': ''manifest'', ''volume'': ''postgres_data_r1-20261201-013847-26e4''}."]}}},{"say":"A person''s word cannot replace this check; if it is done, settle it as done, and the check runs again.","with":{}}]},"step":"restore-beside"}','c871ee47e50a8c41e88905a245b57be3742627a5021eab93787adfa89fc2cc33','cf5b20603c88d26b192044603321b721af91b11b0832848debe0eae18060a562');
CREATE TABLE head (
	id INTEGER NOT NULL, 
	seq BIGINT NOT NULL, 
	hash TEXT NOT NULL, 
	CONSTRAINT pk_head PRIMARY KEY (id)
);
INSERT INTO "head" VALUES(1,13,'cf5b20603c88d26b192044603321b721af91b11b0832848debe0eae18060a562');
CREATE TABLE incidents (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	site TEXT NOT NULL, 
	level INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	state TEXT NOT NULL, 
	declared_by TEXT NOT NULL, 
	declared_at DATETIME NOT NULL, 
	started_at DATETIME NOT NULL, 
	service TEXT, 
	channel TEXT, 
	channel_name TEXT, 
	recovered_at DATETIME, 
	confirmed_at DATETIME, 
	resolved_at DATETIME, 
	rto_seconds FLOAT, 
	rpo_seconds FLOAT, 
	outage_seconds FLOAT, 
	summary TEXT, 
	users_say TEXT
);
INSERT INTO "incidents" VALUES(1,'production',2,'It broke','declared','aiko','2026-12-01 01:38:47.230533','2026-11-26 12:00:00.000000',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE invitations (
	token_sha256 TEXT NOT NULL, 
	site TEXT NOT NULL, 
	incident INTEGER NOT NULL, 
	run TEXT NOT NULL, 
	made_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	used_at DATETIME, 
	owner TEXT, 
	public_key TEXT, 
	proof TEXT, 
	CONSTRAINT pk_invitations PRIMARY KEY (token_sha256)
);
CREATE TABLE kept (
	id INTEGER NOT NULL, 
	site TEXT NOT NULL, 
	incident INTEGER NOT NULL, 
	run TEXT NOT NULL, 
	volume TEXT NOT NULL, 
	original TEXT NOT NULL, 
	size_bytes BIGINT, 
	created_at DATETIME NOT NULL, 
	removed_at DATETIME, 
	whole_host BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_kept PRIMARY KEY (id)
);
CREATE TABLE keys (
	name TEXT NOT NULL, 
	secret TEXT NOT NULL, 
	CONSTRAINT pk_keys PRIMARY KEY (name)
);
CREATE TABLE leaders (
	name TEXT NOT NULL, 
	owner TEXT NOT NULL, 
	until DATETIME NOT NULL, 
	CONSTRAINT pk_leaders PRIMARY KEY (name)
);
CREATE TABLE led_names (
	name TEXT NOT NULL, 
	addresses TEXT NOT NULL, 
	told TEXT, 
	seen_at DATETIME NOT NULL, 
	CONSTRAINT pk_led_names PRIMARY KEY (name)
);
CREATE TABLE locks (
	site TEXT NOT NULL, 
	run TEXT NOT NULL, 
	taken_at DATETIME NOT NULL, 
	CONSTRAINT pk_locks PRIMARY KEY (site)
);
INSERT INTO "locks" VALUES('production','r1-20261201-013847-26e4','2026-12-01 01:38:47.611151');
CREATE TABLE machines (
	"key" TEXT NOT NULL, 
	machine TEXT NOT NULL, 
	"by" TEXT NOT NULL, 
	site TEXT NOT NULL, 
	incident INTEGER, 
	run TEXT, 
	type TEXT NOT NULL, 
	region TEXT NOT NULL, 
	addresses TEXT NOT NULL, 
	state TEXT NOT NULL, 
	since DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	gone_at DATETIME, 
	CONSTRAINT pk_machines PRIMARY KEY ("key")
);
CREATE TABLE proofs (
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	place TEXT NOT NULL, 
	mark TEXT NOT NULL, 
	sha256 TEXT NOT NULL, 
	proven_at DATETIME NOT NULL, 
	seconds FLOAT NOT NULL, 
	version TEXT NOT NULL, 
	result TEXT NOT NULL, 
	fault TEXT NOT NULL, 
	CONSTRAINT pk_proofs PRIMARY KEY (kind, name, place)
);
CREATE TABLE readiness (
	source TEXT NOT NULL, 
	what TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	colour TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	remedy TEXT NOT NULL, 
	since DATETIME NOT NULL, 
	looked_at DATETIME NOT NULL, 
	CONSTRAINT pk_readiness PRIMARY KEY (source, what)
);
CREATE TABLE requests (
	id TEXT NOT NULL, 
	incident INTEGER NOT NULL, 
	run TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	gate TEXT NOT NULL, 
	guards TEXT NOT NULL, 
	seal TEXT NOT NULL, 
	question TEXT NOT NULL, 
	target TEXT NOT NULL, 
	people INTEGER NOT NULL, 
	requesters TEXT NOT NULL, 
	requester_counts BOOLEAN NOT NULL, 
	state TEXT NOT NULL, 
	opened_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	start_seconds FLOAT NOT NULL, 
	granted_at DATETIME, 
	proven_at DATETIME, 
	start_by DATETIME, 
	used_by TEXT, 
	hold_until DATETIME, 
	CONSTRAINT pk_requests PRIMARY KEY (id), 
	CONSTRAINT uq_requests_run_number UNIQUE (run, number), 
	CONSTRAINT fk_requests_incident FOREIGN KEY(incident) REFERENCES incidents (id), 
	CONSTRAINT fk_requests_run FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "requests" VALUES('r1-20261201-013847-26e4-q1',1,'r1-20261201-013847-26e4',1,'approval','["swap"]','2a5c23d2d27aa91a46974c708dd077fcb513b224df22053fb59d674d6f5de6a5','d96e867de67574f0ffd20fd09285823295139524d41f61d3a3b0dfae549b9fc1','production',2,'["aiko"]',0,'open','2026-12-01 01:38:47.417771','2026-12-01 02:08:47.417771',900.0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE routines (
	"key" TEXT NOT NULL, 
	expression TEXT NOT NULL, 
	time_zone TEXT NOT NULL, 
	due_at DATETIME NOT NULL, 
	next_at DATETIME NOT NULL, 
	taken_by TEXT, 
	taken_until DATETIME, 
	began_at DATETIME, 
	seconds FLOAT, 
	fault TEXT NOT NULL, 
	done_at DATETIME, 
	succeeded_at DATETIME, 
	skip_at DATETIME, 
	skipped_by TEXT, 
	CONSTRAINT pk_routines PRIMARY KEY ("key")
);
CREATE TABLE runs (
	id TEXT NOT NULL, 
	incident INTEGER NOT NULL, 
	site TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	runbook TEXT NOT NULL, 
	arguments TEXT NOT NULL, 
	state TEXT NOT NULL, 
	epoch INTEGER NOT NULL, 
	wakes INTEGER NOT NULL, 
	requested_by TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	queued_at DATETIME NOT NULL, 
	owner TEXT, 
	lease_until DATETIME, 
	stop_requested TEXT, 
	stop_kind TEXT, 
	waits_for TEXT, 
	waits_for_drbot TEXT, 
	given_up TEXT, 
	offers TEXT, 
	missed TEXT, 
	next_backup TEXT, 
	fault_told_at DATETIME, 
	"plan" TEXT, 
	plan_signature TEXT, 
	end_signature TEXT, 
	started_at DATETIME, 
	finished_at DATETIME, 
	outcome TEXT, 
	CONSTRAINT pk_runs PRIMARY KEY (id), 
	CONSTRAINT fk_runs_incident FOREIGN KEY(incident) REFERENCES incidents (id)
);
INSERT INTO "runs" VALUES('r1-20261201-013847-26e4',1,'production','recover','level2-postgres','{}','needs_decision',1,1,'aiko','2026-12-01 01:38:47.257123','2026-12-01 01:38:48.288709',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"arguments":{},"aside":[],"backup":{"floor":{"databases":[],"held":[],"named":[],"tables":[]},"holds":{"configuration":true,"containers":[],"files":[],"keys":null,"mounts":[],"ports":[],"redis":true},"manifest":true,"name":"all_databases_1.sql.gz","place":"memory","rows":{"authdb.users":3},"server_version":"","sha256":"0000000000000000000000000000000000000000000000000000000000000001","site":"production","size":1000,"snapshot_at":"2026-11-26T11:00:00Z","system":"","system_identifier":"","unpacked":0},"backup_proof":"","changed":[],"copy_of":"","engine":"","fingerprint":{"dr.yml":{"backups":{"directory":"/backups","keep":14,"max_age":21600.0,"prove_within":172800.0},"default_site":"production","drills":{"image":null,"notice":86400.0},"runbooks":"/tmp/before/runbooks","sites":{"production":{"address":null,"docker":{"host":null},"files":[],"monitoring":null,"owner":null,"packages":null,"postgres":{"databases":["authdb"],"service":"postgres","user":"postgres","volume":"postgres_data"},"projects":"/backups","provision":null,"redis":{"service":"redis","user":null,"volume":"redis_data"},"services":{"admin":{"health":null,"needs":["postgres"],"project":"admin","role":"app","service":"admin","title":""},"auth":{"health":null,"needs":["postgres"],"project":"auth","role":"app","service":"auth","title":""},"front-admin":{"health":null,"needs":[],"project":"front-admin","role":"front","service":"front-admin","title":""},"front-user":{"health":null,"needs":[],"project":"front-user","role":"front","service":"front-user","title":""},"postgres":{"health":null,"needs":[],"project":"postgres","role":"database","service":"postgres","title":""},"redis":{"health":null,"needs":[],"project":"redis","role":"cache","service":"redis","title":""},"user":{"health":null,"needs":["postgres"],"project":"user","role":"app","service":"user","title":""}},"title":"","worker_key":null}},"system":"ai-micro-service"},"engine":"engine-1","strangers":{"postgres_data":[]},"volumes":{"postgres_data":"day 1"}},"headline":{"say":"{title}: {system}, from {name} (data as of {as_of})","with":{"as_of":"2026-11-26 11:00:00 UTC","name":"all_databases_1.sql.gz","system":"ai-micro-service","title":{"say":"restore from a backup","with":{}}}},"level":2,"loss_seconds":3600.0,"mode":"real","occupants":[],"old_server":null,"people":2,"policy":0,"replaces":[{"say":"volume {name} of {owner}","with":{"name":"postgres_data","owner":"postgres"}}],"requesters":["aiko"],"run":"r1-20261201-013847-26e4","runbook":"level2-postgres","runbook_sha256":"97ceacbe4bd8c6327f92f53230bc8e76f1fade6f0f82e2ed64a1b34d353bd9ce","site":"production","stakes":{"act":"restore","answers":[],"files":[],"keeps":{"kind":"volume","names":["postgres_data_before_r1-20261201-013847-26e4"]},"kept":null,"loss":{"bytes":null,"counted_at":null,"gone":[],"keys":null,"keys_then":null,"kind":"since_backup","removed":null,"rows":null,"seconds":398327.372638,"since":"2026-11-26T11:00:00Z","uncounted":"PostgreSQL does not answer"},"machine":null,"moves":[],"proof":"beside"},"steps":[{"after":[],"again":"safe","ask":null,"check":[],"do":"evidence.collect","drill":"run","effect":"none","gate":null,"id":"evidence","if_fails":"continue","interrupt":"now","limits":{"budget":5.0,"quiet":null,"time":120.0},"retry":null,"run":null,"title":{"say":"Keep logs and state as evidence","with":{}},"undo":null,"unless":[],"when":[],"why":"What is broken now explains later why it broke.","with":{"services":["auth","user","admin","front-user","front-admin","postgres","redis"]}},{"after":[],"again":"safe","ask":null,"check":[{"probe":"backup.whole","with":{"backup":"all_databases_1.sql.gz"}}],"do":"backup.check","drill":"run","effect":"none","gate":null,"id":"check-backup","if_fails":"stop","interrupt":"now","limits":{"budget":5.0,"quiet":300.0,"time":14400.0},"retry":{"only":["network","throttled"],"times":3,"wait":2.0},"run":null,"title":{"say":"Check the backup","with":{}},"undo":null,"unless":[],"when":[],"why":"Half a dump restores without an error; its digest and its last line tell.","with":{"backup":"all_databases_1.sql.gz"}},{"after":["check-backup"],"again":"look_first","ask":null,"check":[{"probe":"postgres.beside_rows","with":{"expect":"manifest","volume":"postgres_data_r1-20261201-013847-26e4"}}],"do":"postgres.restore_beside","drill":"run","effect":"change","gate":null,"id":"restore-beside","if_fails":"stop","interrupt":"now","limits":{"budget":30.0,"quiet":600.0,"time":7200.0},"retry":{"only":["network"],"times":3,"wait":2.0},"run":null,"title":{"say":"Restore into a new volume","with":{}},"undo":{"do":"volume.remove","with":{"volume":"postgres_data_r1-20261201-013847-26e4"}},"unless":[],"when":[],"why":"Production stays untouched until the copy is proven.","with":{"backup":"all_databases_1.sql.gz","volume":"postgres_data_r1-20261201-013847-26e4"}},{"after":[],"again":null,"ask":null,"check":[],"do":null,"drill":"run","effect":"none","gate":{"for":["swap"],"people":2,"proof":["restore-beside"],"requester_counts":false},"id":"approval","if_fails":"stop","interrupt":"now","limits":null,"retry":null,"run":null,"title":{"say":"Two people approve","with":{}},"undo":null,"unless":[],"when":[],"why":"","with":{}},{"after":["evidence","restore-beside","approval"],"again":"safe","ask":null,"check":[{"probe":"compose.stopped","with":{"services":["auth","user","admin","front-user","front-admin"]}}],"do":"compose.stop","drill":"redirect","effect":"change","gate":null,"id":"stop-apps","if_fails":"undo","interrupt":"after_step","limits":{"budget":3.0,"quiet":null,"time":120.0},"retry":null,"run":null,"title":{"say":"Stop the services","with":{}},"undo":{"do":"compose.start","with":{"services":["auth","user","admin","front-user","front-admin"],"within":"1m"}},"unless":[],"when":[],"why":"","with":{"services":["auth","user","admin","front-user","front-admin"]}},{"after":["stop-apps"],"again":"safe","ask":null,"check":[{"probe":"compose.stopped","with":{"services":["postgres"]}}],"do":"compose.stop","drill":"redirect","effect":"change","gate":null,"id":"stop-postgres","if_fails":"undo","interrupt":"after_step","limits":{"budget":2.0,"quiet":null,"time":120.0},"retry":null,"run":null,"title":{"say":"Stop PostgreSQL","with":{}},"undo":{"do":"compose.start","with":{"services":["postgres"],"within":"20s"}},"unless":[],"when":[],"why":"","with":{"services":["postgres"]}},{"after":["stop-postgres"],"again":"never","ask":null,"check":[{"probe":"volume.swapped","with":{"keeper":"postgres_data_before_r1-20261201-013847-26e4","volume":"postgres_data"}}],"do":"volume.swap","drill":"redirect","effect":"destroy","gate":null,"id":"swap","if_fails":"ask","interrupt":"never","limits":{"budget":2.0,"quiet":null,"time":1800.0},"retry":null,"run":null,"title":{"say":"Put the restored data in place","with":{}},"undo":{"do":"volume.swap_back","with":{"keeper":"postgres_data_before_r1-20261201-013847-26e4","replacement":"postgres_data_r1-20261201-013847-26e4","volume":"postgres_data"}},"unless":[],"when":[],"why":"Seconds long; the old data is moved aside, not deleted.","with":{"keeper":"postgres_data_before_r1-20261201-013847-26e4","replacement":"postgres_data_r1-20261201-013847-26e4","volume":"postgres_data"}},{"after":["swap"],"again":"safe","ask":null,"check":[{"probe":"compose.running","with":{"services":["postgres"]}}],"do":"compose.start","drill":"redirect","effect":"change","gate":null,"id":"start-postgres","if_fails":"undo","interrupt":"now","limits":{"budget":4.0,"quiet":null,"time":300.0},"retry":null,"run":null,"title":{"say":"Start PostgreSQL","with":{}},"undo":{"do":"compose.stop","with":{"services":["postgres"]}},"unless":[],"when":[],"why":"","with":{"services":["postgres"],"within":"1m"}},{"after":["start-postgres"],"again":"safe","ask":null,"check":[{"probe":"postgres.rows","with":{"expect":"manifest"}}],"do":"health.wait","drill":"redirect","effect":"none","gate":null,"id":"verify","if_fails":"undo","interrupt":"now","limits":{"budget":1.0,"quiet":null,"time":600.0},"retry":null,"run":null,"title":{"say":"Count the rows","with":{}},"undo":null,"unless":[],"when":[],"why":"Every row of the manifest must be there; else it is no success.","with":{"services":["postgres"],"within":"2m"}},{"after":["verify"],"again":"safe","ask":null,"check":[{"probe":"compose.running","with":{"services":["auth","user","admin","front-user","front-admin"]}}],"do":"compose.start","drill":"redirect","effect":"change","gate":null,"id":"start-apps","if_fails":"ask","interrupt":"now","limits":{"budget":4.0,"quiet":null,"time":300.0},"retry":null,"run":null,"title":{"say":"Start the services","with":{}},"undo":null,"unless":[],"when":[],"why":"","with":{"services":["auth","user","admin","front-user","front-admin"],"within":"2m"}},{"after":["start-apps"],"again":"safe","ask":null,"check":[{"probe":"health.services","with":{"services":["auth","user","admin","front-user","front-admin"]}}],"do":"health.wait","drill":"redirect","effect":"none","gate":null,"id":"health","if_fails":"ask","interrupt":"now","limits":{"budget":2.0,"quiet":null,"time":180.0},"retry":null,"run":null,"title":{"say":"The services answer their users","with":{}},"undo":null,"unless":[],"when":[],"why":"","with":{"services":["auth","user","admin","front-user","front-admin"],"within":"1m"}},{"after":["health"],"again":null,"ask":{"answers":["yes","no"],"silence":"unconfirmed","text":{"say":"Can users sign in, and is their data there?","with":{}},"within":600.0},"check":[],"do":null,"drill":"run","effect":"none","gate":null,"id":"confirm","if_fails":"stop","interrupt":"now","limits":null,"retry":null,"run":null,"title":{"say":"People confirm that it works","with":{}},"undo":null,"unless":[],"when":[],"why":"","with":{}},{"after":["confirm"],"again":"safe","ask":null,"check":[],"do":"notify.stakeholders","drill":"skip","effect":"none","gate":null,"id":"notify","if_fails":"continue","interrupt":"now","limits":{"budget":1.0,"quiet":null,"time":60.0},"retry":null,"run":null,"title":{"say":"Tell the stakeholders","with":{}},"undo":null,"unless":[],"when":[],"why":"","with":{}}],"surveyed_at":"2026-12-01T01:38:47.297032Z","target":"production","warnings":[{"say":"The steps are those of a runbook of your own, not of one that comes with drbot: {files}","with":{"files":{"joint":"{one}, {other}","parts":["level2-postgres.yml"]}}},{"say":"The backup was {age} old at this plan; backups.max_age is {most}.","with":{"age":{"say":"{days} d {hours} h","with":{"days":4,"hours":14}},"most":{"say":"{hours} h {minutes} min","with":{"hours":6,"minutes":"00"}}}}]}','V6A-t-WD8_gSS-Wm-5nJ7-pzbP5-EWb6cu2ShlzLasLY6wtHCH1MBUhBlVOdc4o8UneSAgliIyhywcK6NG7kBQ',NULL,'2026-12-01 01:38:47.286785',NULL,NULL);
CREATE TABLE schedules (
	"key" TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	incident INTEGER, 
	request TEXT, 
	volume TEXT, 
	about TEXT, 
	attempt INTEGER, 
	next_at DATETIME NOT NULL, 
	every_seconds FLOAT, 
	CONSTRAINT pk_schedules PRIMARY KEY ("key")
);
CREATE TABLE served (
	signature_sha256 TEXT NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_served PRIMARY KEY (signature_sha256)
);
CREATE TABLE steps (
	run TEXT NOT NULL, 
	id TEXT NOT NULL, 
	position INTEGER NOT NULL, 
	state TEXT NOT NULL, 
	attempt INTEGER NOT NULL, 
	epoch INTEGER, 
	started_at DATETIME, 
	finished_at DATETIME, 
	seconds FLOAT, 
	summary TEXT, 
	facts TEXT NOT NULL, 
	log TEXT, 
	progress_done FLOAT, 
	progress_total FLOAT, 
	progress_unit TEXT, 
	part TEXT, 
	answers TEXT, 
	answer TEXT, 
	answered_by TEXT, 
	settlement TEXT, 
	settled_by TEXT, 
	vouched_by TEXT, 
	finding TEXT, 
	finding_passed BOOLEAN, 
	leftover TEXT, 
	CONSTRAINT pk_steps PRIMARY KEY (run, id), 
	CONSTRAINT fk_steps_run FOREIGN KEY(run) REFERENCES runs (id)
);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','evidence',0,'succeeded',1,1,'2026-12-01 01:38:47.508187','2026-12-01 01:38:47.577027',2.07755999963410431e-03,'{"joint":"{one} {other}","parts":["evidence.collect is done."]}','{"checks":[],"kept_bytes":7,"next_transaction":740}','/tmp/before/logs/r1-20261201-013847-26e4/evidence-1.log',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','check-backup',1,'succeeded',1,1,'2026-12-01 01:38:47.560905','2026-12-01 01:38:47.595732',0.001,'{"joint":"{one} {other}","parts":["backup.check is done.","Asked {''backup'': ''all_databases_1.sql.gz''}."]}','{"checks":["Asked {''backup'': ''all_databases_1.sql.gz''}."],"kept_bytes":7,"next_transaction":740}','/tmp/before/logs/r1-20261201-013847-26e4/check-backup-1.log',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','restore-beside',2,'unsure',1,1,'2026-12-01 01:38:47.611151',NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'{"say":"Its check does not pass, so it looks not done: {found}","with":{"found":{"joint":"{one} {other}","parts":["Asked {''expect'': ''manifest'', ''volume'': ''postgres_data_r1-20261201-013847-26e4''}."]}}}',0,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','approval',3,'waiting',0,1,'2026-12-01 01:38:47.417771',NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','stop-apps',4,'pending',0,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','stop-postgres',5,'pending',0,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','swap',6,'pending',0,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','start-postgres',7,'pending',0,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','verify',8,'pending',0,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','start-apps',9,'pending',0,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','health',10,'pending',0,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','confirm',11,'pending',0,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "steps" VALUES('r1-20261201-013847-26e4','notify',12,'pending',0,NULL,NULL,NULL,NULL,NULL,'{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE surfaces (
	incident INTEGER NOT NULL, 
	"key" TEXT NOT NULL, 
	channel TEXT NOT NULL, 
	ts TEXT NOT NULL, 
	CONSTRAINT pk_surfaces PRIMARY KEY (incident, "key")
);
CREATE TABLE surveys (
	id INTEGER NOT NULL, 
	site TEXT NOT NULL, 
	lost TEXT NOT NULL, 
	runbook TEXT NOT NULL, 
	arguments TEXT NOT NULL, 
	person TEXT NOT NULL, 
	asked_at DATETIME NOT NULL, 
	taken_at DATETIME, 
	ended_at DATETIME, 
	found TEXT, 
	"plan" TEXT, 
	refusal TEXT, 
	CONSTRAINT pk_surveys PRIMARY KEY (id)
);
CREATE TABLE votes (
	id INTEGER NOT NULL, 
	request TEXT NOT NULL, 
	person TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	seal TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	entry_point TEXT NOT NULL, 
	attestation TEXT, 
	terminal TEXT, 
	CONSTRAINT pk_votes PRIMARY KEY (id), 
	CONSTRAINT uq_votes_request_person_decision UNIQUE (request, person, decision), 
	CONSTRAINT fk_votes_request FOREIGN KEY(request) REFERENCES requests (id)
);
CREATE TABLE worker_keys (
	site TEXT NOT NULL, 
	public TEXT NOT NULL, 
	CONSTRAINT pk_worker_keys PRIMARY KEY (site)
);
CREATE INDEX ix_proofs_sha256 ON proofs (sha256);
CREATE INDEX ix_surveys_site ON surveys (site);
CREATE INDEX ix_events_incident ON events (incident);
CREATE INDEX ix_incidents_state ON incidents (state);
CREATE INDEX ix_incidents_channel ON incidents (channel);
CREATE INDEX ix_codes_site_answer ON codes (site, answer);
CREATE INDEX ix_served_expires_at ON served (expires_at);
CREATE INDEX ix_schedules_next_at ON schedules (next_at);
CREATE INDEX ix_invitations_incident ON invitations (incident);
CREATE INDEX ix_machines_incident ON machines (incident);
CREATE INDEX ix_kept_site ON kept (site);
CREATE INDEX ix_alert_groups_incident ON alert_groups (incident);
CREATE INDEX ix_alert_groups_key ON alert_groups ("key");
CREATE INDEX ix_drills_state ON drills (state);
CREATE INDEX ix_runs_state ON runs (state);
CREATE INDEX ix_runs_incident ON runs (incident);
CREATE INDEX ix_alerts_group_id ON alerts (group_id);
CREATE INDEX ix_requests_state ON requests (state);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('incidents',1);
COMMIT;
