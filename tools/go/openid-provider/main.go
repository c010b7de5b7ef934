// An OpenID provider to sign in at in tests: that of zitadel/oidc, with people and groups of the test's own.
//
// It prints its issuer once it listens. USERS is the path of its people, as zitadel/oidc's example reads them; GROUPS
// is a JSON object of subject to groups; REDIRECT is where the client `deploy-gateway` may send a browser back to. The
// client `deployctl` is for devices, and has no secret.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

const (
	web    = "deploy-gateway"
	secret = "known to the gateway"
	device = "deployctl"
)

// deviceClient may use the device flow.
type deviceClient struct{ op.Client }

func (deviceClient) GrantTypes() []oidc.GrantType {
	return []oidc.GrantType{oidc.GrantTypeDeviceCode}
}

// people adds groups to what the provider tells of somebody.
type people struct {
	*storage.Storage
	groups map[string][]string
}

func (p people) GetClientByClientID(ctx context.Context, id string) (op.Client, error) {
	client, err := p.Storage.GetClientByClientID(ctx, id)
	if err == nil && id == device {
		return deviceClient{client}, nil
	}
	return client, err
}

func (p people) SetUserinfoFromToken(ctx context.Context, info *oidc.UserInfo, token, subject, origin string) error {
	if err := p.Storage.SetUserinfoFromToken(ctx, info, token, subject, origin); err != nil {
		return err
	}
	info.AppendClaims("groups", p.groups[subject])
	return nil
}

func main() {
	if len(os.Args) > 1 { // asked for its version
		fmt.Println("openid-provider 3.51.17")
		return
	}
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	users, err := storage.StoreFromFile(os.Getenv("USERS"))
	if err != nil {
		return err
	}
	groups := map[string][]string{}
	if err := json.Unmarshal([]byte(os.Getenv("GROUPS")), &groups); err != nil {
		return err
	}
	storage.RegisterClients(
		storage.WebClient(web, secret, os.Getenv("REDIRECT")),
		storage.NativeClient(device),
	)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	issuer := fmt.Sprintf("http://%s/", listener.Addr())
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	known := people{storage.NewStorage(users), groups}
	fmt.Println(issuer)
	return http.Serve(listener, exampleop.SetupServer(issuer, known, logger, false))
}
